import { availableParallelism } from 'node:os';
import { Problem } from '@tertulia/shared/http/problem';
import pLimit from 'p-limit';

/** OWASP's smallest argon2id: 19 MiB, 2 passes, 1 lane. The hash carries them. */
const ARGON2 = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const;
const CURRENT = `$argon2id$v=19$m=${ARGON2.memoryCost},t=${ARGON2.timeCost},p=1$`;

/** More waiting than this would be answered too late to matter. */
export const MAX_WAITING = 200;

export type Passwords = {
  hash(password: string): Promise<string>;
  /**
   * With no hash it takes as long, and is false: an absent account is not told from a wrong password. `turn`
   * runs once the wait is over, right before the work; what it throws is thrown.
   */
  verify(password: string, hash: string | undefined, turn?: () => Promise<void>): Promise<boolean>;
};

/**
 * Hashing, at most as many at once as there are cores; the rest wait in a bounded queue.
 *
 * @throws {Problem} `unavailable` when the queue is full.
 */
export async function createPasswords(): Promise<Passwords> {
  const limit = pLimit(availableParallelism());
  const decoy = await Bun.password.hash(crypto.randomUUID(), ARGON2);

  function queued<Result>(work: () => Promise<Result>): Promise<Result> {
    if (limit.pendingCount >= MAX_WAITING) {
      throw new Problem('unavailable', 'Too many people are signing in.', {
        headers: { 'Retry-After': '5' },
      });
    }
    return limit(work);
  }

  return {
    hash: async (password) => queued(() => Bun.password.hash(normalize(password), ARGON2)),
    async verify(password, hash, turn) {
      const matches = await queued(async () => {
        await turn?.();
        return Bun.password.verify(normalize(password), hash ?? decoy);
      });
      return matches && hash !== undefined;
    },
  };
}

/** True for a hash that was made with other parameters than those of today. */
export function isOutdated(hash: string): boolean {
  return !hash.startsWith(CURRENT);
}

/** NIST SP 800-63B, 5.1.1.2: the same characters count as the same, however they were typed. */
function normalize(password: string): string {
  return password.normalize('NFKC');
}
