const UNKNOWN = 10_000;
const UNKNOWN_MS = 60_000;

/** Secrets of keys, by their ids. */
export type KnownKeys = { find(keyId: string): Promise<Buffer | undefined> };

/**
 * Keeps secrets in memory, which is safe, as a key's never changes, and whether a key still opens anything is
 * asked with the media. Unknown ids make it look for new keys: one look at a time, whoever asks, and what was
 * found to be none is remembered as that for a minute.
 */
export function createKnownKeys(load: () => Promise<readonly { id: string; secret: string }[]>): KnownKeys {
  let known = new Map<string, Buffer>();
  /** When they were last looked for in vain, the oldest first. */
  const unknown = new Map<string, number>();
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function look(): Promise<void> {
    const found = await load();
    known = new Map(found.map(({ id, secret }) => [id, Buffer.from(secret, 'base64url')]));
  }

  /** A look that had begun before may have missed a key that is new: then this waits for the next. */
  function lookNow(): Promise<void> {
    if (running === undefined) {
      running = look().finally(() => {
        running = undefined;
      });
      return running;
    }
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return lookNow();
      });
    return next;
  }

  function remember(keyId: string): void {
    unknown.delete(keyId);
    unknown.set(keyId, Date.now());
    for (const oldest of unknown.keys()) {
      if (unknown.size <= UNKNOWN) return;
      unknown.delete(oldest);
    }
  }

  return {
    async find(keyId) {
      const secret = known.get(keyId);
      if (secret !== undefined) return secret;
      if (Date.now() - (unknown.get(keyId) ?? 0) < UNKNOWN_MS) return undefined;
      await lookNow();
      const found = known.get(keyId);
      if (found === undefined) remember(keyId);
      return found;
    },
  };
}
