import type { Bytes } from '@tertulia/shared/storage/byte-source';

/** SHA-256 of an upload so far. */
export type RunningHash = { hasher: Bun.CryptoHasher; bytes: number };

/**
 * Hashes of uploads under way, so that a finished one need not be read again. Only a help: a hash that this
 * process has not seen from the first byte on is undefined, and the file is read instead.
 */
export type RunningHashes = {
  /** The hash of the first `offset` bytes; it is kept again with {@link RunningHashes.keep}, or lost. */
  resume(id: string, offset: number): RunningHash | undefined;
  keep(id: string, hash: RunningHash): void;
  forget(id: string): void;
};

const MOST = 1000;

export function createRunningHashes(): RunningHashes {
  const hashes = new Map<string, RunningHash>();
  return {
    resume(id, offset) {
      if (offset === 0) return { hasher: new Bun.CryptoHasher('sha256'), bytes: 0 };
      const hash = hashes.get(id);
      hashes.delete(id);
      return hash?.bytes === offset ? hash : undefined;
    },
    keep(id, hash) {
      hashes.set(id, hash);
      const [oldest] = hashes.keys();
      if (hashes.size > MOST && oldest !== undefined) hashes.delete(oldest);
    },
    forget: (id) => void hashes.delete(id),
  };
}

/** The hash as it is now, whatever is added to the other one. */
export const copyOf = (hash: RunningHash | undefined): RunningHash | undefined =>
  hash && { hasher: hash.hasher.copy(), bytes: hash.bytes };

/** The digest in hex; the hash can go on afterwards. */
export const digestOf = ({ hasher }: RunningHash): string => hasher.copy().digest('hex');

/** Reads a file for its SHA-256, in hex. */
export async function sha256Of(file: Bytes): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  for await (const part of file.stream()) hasher.update(part);
  return hasher.digest('hex');
}
