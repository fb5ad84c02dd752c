import type { AppEnv } from '@tertulia/shared/http/context';
import { createMiddleware } from 'hono/factory';
import type { RequestContext } from '../request-context.ts';

/** How a body came to its end. */
export type Ending =
  /** All of it was taken. */
  | 'complete'
  /** `take` had enough. */
  | 'enough'
  /** The signal aborted. */
  | 'stopped'
  /** Silent, or slower than {@link SLOWEST}, for too long. */
  | 'stalled'
  /** The client went away. */
  | 'gone';

type Options = {
  /** How long a silent body is waited for. */
  stallSeconds: number;
  /** Lets go of the body when it aborts. */
  signal?: AbortSignal;
  /** Has each part in turn, and is awaited, so that the client feels a slow disk. True: enough. */
  take(part: Uint8Array): Promise<boolean>;
};

/** Bytes a second that keep a body alive. */
const SLOWEST = 256;
const TICK_MS = 250;
/** What `serve` gives every connection. */
const IDLE_SECONDS = 30;

/**
 * Reads a request's body part by part. What came before the end is taken in every case. Errors of `take`
 * are thrown.
 */
export async function receive(c: RequestContext, { stallSeconds, signal, take }: Options): Promise<Ending> {
  const reader = c.req.raw.body?.getReader();
  if (reader === undefined) return 'complete';
  let ending: Ending | undefined;
  const end = (why: Ending) => {
    ending ??= why;
    reader.cancel().catch(() => {});
  };

  // Patience runs out while the client is waited for, not while the disk is, and every byte earns some.
  const most = stallSeconds * 1000;
  let patience = most;
  let waiting = true;
  const ticking = setInterval(() => {
    if (waiting) patience -= TICK_MS;
    if (patience <= 0) end('stalled');
  }, TICK_MS);
  const onAbort = () => end('stopped');
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();

  try {
    while (ending === undefined) {
      waiting = true;
      const { done, value } = await reader.read().catch(() => ({ done: 'lost' as const, value: undefined }));
      waiting = false;
      if (done === 'lost') end('gone');
      else if (done) ending ??= 'complete';
      else {
        patience = Math.min(most, patience + (value.length * 1000) / SLOWEST);
        if (await take(value)) end('enough');
      }
    }
    return ending;
  } finally {
    clearInterval(ticking);
    signal?.removeEventListener('abort', onAbort);
    reader.cancel().catch(() => {});
  }
}

/**
 * Gives a part's memory back at once, for who has done with it: left to the collector, parts pile up by the
 * megabyte and cost a collection each few of them. Leaves a part alone that is a view of something larger.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/**
 * For routes that {@link receive}: Bun's timeout runs from a request's start and takes no notice of what comes
 * in, so it is set aside until the answer is there.
 */
export const patient = createMiddleware<AppEnv>(async (c, next) => {
  c.env?.setTimeout?.(c.req.raw, 0);
  try {
    await next();
  } finally {
    c.env?.setTimeout?.(c.req.raw, IDLE_SECONDS);
  }
});
