import { syncPath, unlessAbsent } from './disk.ts';

/**
 * Has the disk write while an upload still arrives, so that the sync at its end finds little left to do. A disk
 * tells of a failed write once, so a failure here is kept, for whoever finishes the upload.
 */
export type EarlyFlush = {
  /** Told of each part that a file got; starts a flush now and then, and waits for none. */
  grown(path: string, from: number, to: number): void;
  /** Waits for a flush under way, and throws what this file's flushes threw, once. */
  settle(path: string): Promise<void>;
};

const EVERY_BYTES = 32 * 1024 * 1024;

export function createEarlyFlush(): EarlyFlush {
  const running = new Map<string, Promise<void>>();
  const failures = new Map<string, unknown>();

  async function flush(path: string): Promise<void> {
    try {
      await unlessAbsent(syncPath(path));
    } catch (error) {
      failures.set(path, error);
    } finally {
      running.delete(path);
    }
  }

  return {
    grown(path, from, to) {
      const crossed = Math.floor(from / EVERY_BYTES) !== Math.floor(to / EVERY_BYTES);
      if (crossed && !running.has(path)) running.set(path, flush(path));
    },
    async settle(path) {
      await running.get(path);
      if (!failures.has(path)) return;
      const failure = failures.get(path);
      failures.delete(path);
      throw failure;
    },
  };
}
