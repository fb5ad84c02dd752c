import { availableParallelism } from 'node:os';
import { Problem } from '@tertulia/shared/http/problem';
import pLimit from 'p-limit';
import type { AuthEnv } from '../env.ts';

/** More waiting than this would be answered too late to matter. */
export const MAX_WAITING = 200;

export type Passwords = {
  hash(password: string): Promise<string>;
  /**
   * With no hash it takes as long, and is false: an absent account is not told from a wrong password. `turn`
   * runs once the wait is over, right before the work; what it throws is thrown.
   */
  verify(password: string, hash: string | undefined, turn?: () => Promise<void>): Promise<boolean>;
  /** True for a hash that was made with other parameters than those of today. */
  isOutdated(hash: string): boolean;
};

type Cost = { memoryCost: number; timeCost: number };

/** The settings: argon2id with 1 lane, which is all that Bun offers. A hash carries its parameters. */
export const costOf = (env: Pick<AuthEnv, 'PASSWORD_MEMORY_KIB' | 'PASSWORD_PASSES'>): Cost => ({
  memoryCost: env.PASSWORD_MEMORY_KIB,
  timeCost: env.PASSWORD_PASSES,
});

/** Bun takes no less memory than this, KiB. */
const MIN_MEMORY = 8;

/**
 * Hashing, at most as many at once as there are cores, each with its memory; the rest wait in a bounded queue.
 *
 * @throws {Problem} `unavailable` when the queue is full.
 */
export async function createPasswords(cost: Cost): Promise<Passwords> {
  const limit = pLimit(availableParallelism());
  const argon2 = { algorithm: 'argon2id', ...cost } as const;
  const current = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=1$`;
  const decoy = await Bun.password.hash(crypto.randomUUID(), argon2);

  function queued<Result>(work: () => Promise<Result>): Promise<Result> {
    if (limit.pendingCount >= MAX_WAITING) {
      throw new Problem('unavailable', 'Too many people are signing in.', {
        headers: { 'Retry-After': '5' },
      });
    }
    return limit(work);
  }

  /**
   * A wrong password against a hash of cheaper days takes as long as one of today, or as one for an account
   * that does not exist. Work grows with memory times passes.
   */
  async function makeUp(password: string, hash: string): Promise<void> {
    const { memoryCost, timeCost } = cost;
    const rest = Math.floor((memoryCost * timeCost - workOf(hash)) / timeCost);
    if (rest >= MIN_MEMORY) await Bun.password.hash(password, { ...argon2, memoryCost: rest });
  }

  return {
    hash: async (password) => queued(() => Bun.password.hash(normalize(password), argon2)),
    async verify(password, hash, turn) {
      const matches = await queued(async () => {
        await turn?.();
        const typed = normalize(password);
        const right = await Bun.password.verify(typed, hash ?? decoy);
        if (!right && hash !== undefined) await makeUp(typed, hash);
        return right;
      });
      return matches && hash !== undefined;
    },
    isOutdated: (hash) => !hash.startsWith(current),
  };
}

/** KiB times passes. */
function workOf(hash: string): number {
  const [, memory, passes] = /\$m=(\d+),t=(\d+),/.exec(hash) ?? [];
  return Number(memory) * Number(passes);
}

/** NIST SP 800-63B, 5.1.1.2: the same characters count as the same, however they were typed. */
function normalize(password: string): string {
  return password.normalize('NFKC');
}
