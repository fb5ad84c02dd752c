import { syncPath, unlessAbsent } from '@tertulia/shared/storage/disk';

/**
 * Has the disk write while an upload still arrives, so that the sync at its end finds little left to do. A disk
 * tells of a failed write once, so a failure here is kept, for whoever finishes the upload.
 */
export type EarlyFlush = {
  /** Told of each part; starts a flush now and then, and waits for none. */
  grown(id: string, from: number, to: number): void;
  /** Waits for a flush under way, and throws what this upload's flushes threw, once. */
  settle(id: string): Promise<void>;
};

const EVERY_BYTES = 32 * 1024 * 1024;

export function createEarlyFlush(pathOf: (id: string) => string): EarlyFlush {
  const running = new Map<string, Promise<void>>();
  const failures = new Map<string, unknown>();

  async function flush(id: string): Promise<void> {
    try {
      await unlessAbsent(syncPath(pathOf(id)));
    } catch (error) {
      failures.set(id, error);
    } finally {
      running.delete(id);
    }
  }

  return {
    grown(id, from, to) {
      const crossed = Math.floor(from / EVERY_BYTES) !== Math.floor(to / EVERY_BYTES);
      if (crossed && !running.has(id)) running.set(id, flush(id));
    },
    async settle(id) {
      await running.get(id);
      if (!failures.has(id)) return;
      const failure = failures.get(id);
      failures.delete(id);
      throw failure;
    },
  };
}
