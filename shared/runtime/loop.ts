/** A background task. `stop` resolves when it has come to rest. */
export type Loop = { stop(): Promise<void> };

/** Wakes a waiting loop; a wake-up that comes while nobody waits is kept, once. */
export type Bell = { ring(): void; wait(ms: number, signal: AbortSignal): Promise<void> };

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', resolve as () => void, { once: true });
        await promise;
        clearTimeout(timer);
        signal.removeEventListener('abort', resolve as () => void);
        wake = undefined;
      }
      rung = false;
    },
  };
}

/** Runs `task` until stopped, aborting its signal; it must return soon after. */
export function startLoop(task: (signal: AbortSignal) => Promise<void>): Loop {
  const controller = new AbortController();
  const running = task(controller.signal);
  return {
    async stop() {
      controller.abort();
      await running;
    },
  };
}

/** Waits, or less when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return createBell().wait(ms, signal);
}

/** Runs `task` every `ms`, not overlapping itself; `onError` hears of what it throws. */
export function every(ms: number, task: () => Promise<unknown>, onError: (error: unknown) => void): Loop {
  return startLoop(async (signal) => {
    while (!signal.aborted) {
      await pause(ms, signal);
      if (!signal.aborted) await task().catch(onError);
    }
  });
}
