import { eventually } from '@tertulia/shared/testing/eventually';
import type { Addresses, Person } from '../e2e/people.ts';

const PAUSE_MS = 50;

/** Somebody who goes on commenting, whatever breaks. */
export type Writer = {
  /** Content of each acknowledged comment by its id. */
  acknowledged: ReadonlyMap<string, string>;
  /** Answers that were no success, and calls without an answer: each was tried again. */
  refused(): number;
  /** Waits until so many more are acknowledged. */
  writes(more: number): Promise<unknown>;
  /** Lets the comment at hand finish. */
  stop(): Promise<void>;
};

/** Every comment is tried until it is acknowledged, under one key, so that it exists once. */
export function startWriter(stack: Addresses, person: Person, mediaId: string): Writer {
  const acknowledged = new Map<string, string>();
  const controller = new AbortController();
  let refused = 0;

  async function tryOnce(content: string, key: string): Promise<boolean> {
    const response = await fetch(`${stack.url('comments')}/comments`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${person.token}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': key,
      },
      body: JSON.stringify({ mediaId, content }),
      signal: AbortSignal.timeout(20_000),
    }).catch(() => undefined);
    if (response?.status === 201) {
      const { id } = (await response.json()) as { id: string };
      acknowledged.set(id, content);
      return true;
    }
    refused++;
    // Anything else than an outage is a mistake of ours: trying again would hide it.
    if (response !== undefined && response.status < 500 && response.status !== 409) {
      throw new Error(`POST /comments: ${response.status} ${await response.text()}`);
    }
    return false;
  }

  async function run(): Promise<void> {
    for (let n = 1; !controller.signal.aborted; n++) {
      const key = Bun.randomUUIDv7();
      while (!(await tryOnce(`Comment ${n}`, key))) await Bun.sleep(PAUSE_MS * 4);
      await Bun.sleep(PAUSE_MS);
    }
  }

  const running = run();
  let failure: unknown;
  running.catch((error: unknown) => {
    failure = error;
  });
  return {
    acknowledged,
    refused: () => refused,
    writes(more) {
      const goal = acknowledged.size + more;
      return eventually(() => failure !== undefined || acknowledged.size >= goal, { ms: 60_000, every: 50 });
    },
    async stop() {
      controller.abort();
      await running;
    },
  };
}
