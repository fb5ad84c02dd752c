import { Problem } from '@tertulia/shared/http/problem';

/** Why a holder is asked to let go. */
export type LetGo = 'wanted' | 'shutdown';

/** A lock that is held. `signal` aborts with a {@link LetGo} when somebody else wants it. */
export type Hold = { signal: AbortSignal; release(): void };

/**
 * One request at a time per upload, in this process. A newer request asks the one before it to let go rather
 * than be refused: the older is most often a connection that nobody is left on.
 */
export type UploadLocks = {
  /** @throws {Problem} `upload_locked` when the holder is busy with what can't be left half done. */
  acquire(id: string): Promise<Hold>;
  /** True while a request of this process works on it. */
  isHeld(id: string): boolean;
  /** Asks every holder, now and from now on. */
  shutDown(): void;
};

const WAIT_MS = 8000;

type Queue = { holder: AbortController; waiting: (() => void)[] };

export function createUploadLocks(waitMs = WAIT_MS): UploadLocks {
  const queues = new Map<string, Queue>();
  let shuttingDown = false;

  function hold(id: string, queue: Queue): Hold {
    const holder = new AbortController();
    queue.holder = holder;
    // Somebody newer is waiting already.
    if (queue.waiting.length > 0) holder.abort('wanted' satisfies LetGo);
    if (shuttingDown) holder.abort('shutdown' satisfies LetGo);
    let held = true;
    return {
      signal: holder.signal,
      release() {
        if (!held) return;
        held = false;
        const next = queue.waiting.shift();
        if (next === undefined) queues.delete(id);
        else next();
      },
    };
  }

  return {
    async acquire(id) {
      const queue = queues.get(id);
      if (queue === undefined) {
        const fresh: Queue = { holder: new AbortController(), waiting: [] };
        queues.set(id, fresh);
        return hold(id, fresh);
      }
      queue.holder.abort('wanted' satisfies LetGo);
      const { promise: turn, resolve } = Promise.withResolvers<'turn'>();
      const { promise: late, resolve: giveUp } = Promise.withResolvers<'late'>();
      const wake = () => resolve('turn');
      queue.waiting.push(wake);
      const timer = setTimeout(giveUp, waitMs, 'late');
      const outcome = await Promise.race([turn, late]);
      clearTimeout(timer);
      const place = queue.waiting.indexOf(wake);
      // Out of the line means that it is our turn, even if time ran out in the same moment.
      if (outcome === 'late' && place >= 0) {
        queue.waiting.splice(place, 1);
        throw new Problem('upload_locked', 'It is being finished; try again.', {
          headers: { 'Retry-After': '2' },
        });
      }
      return hold(id, queue);
    },
    isHeld: (id) => queues.has(id),
    shutDown() {
      shuttingDown = true;
      for (const { holder } of queues.values()) holder.abort('shutdown' satisfies LetGo);
    },
  };
}
