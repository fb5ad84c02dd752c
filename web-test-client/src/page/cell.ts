/** A value that can be watched: all the state that more than one part of the page shows. */
export type Cell<Value> = {
  get(): Value;
  set(value: Value): void;
  /** Runs now and after every change, until the signal aborts. */
  watch(run: (value: Value) => void, until?: AbortSignal): void;
};

export function createCell<Value>(initial: Value): Cell<Value> {
  let current = initial;
  const watchers = new Set<(value: Value) => void>();
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const watcher of [...watchers]) watcher(value);
    },
    watch(run, until) {
      if (until?.aborted) return;
      watchers.add(run);
      until?.addEventListener('abort', () => watchers.delete(run), { once: true });
      run(current);
    },
  };
}
