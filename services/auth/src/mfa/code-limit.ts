import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import type { Limits, Spent } from '@tertulia/shared/limits/limits';
import { audit } from '../audit/audit.ts';
import type { AuthEnv } from '../env.ts';
import type { Visit } from '../sessions/login.service.ts';

export type CodeLimit = {
  /**
   * Runs `prove`, which is counted beforehand, so that parallel guesses count, and taken back unless `isWrong`
   * says that it was a guess.
   *
   * @throws {Problem} `rate_limited`
   */
  attempt<Outcome>(
    userId: string,
    prove: (spent: Spent) => Promise<Outcome>,
    isWrong: (outcome: Outcome) => boolean,
  ): Promise<Outcome>;
};

/** Wrong codes for one account, in a window that ends by itself: whoever has lost it waits, and no longer. */
export function createCodeLimit({ env, limits }: { env: AuthEnv; limits: Limits }): CodeLimit {
  const limit = limits({
    name: 'mfa-account',
    points: env.MFA_FAILURES_PER_ACCOUNT,
    seconds: env.LOGIN_WINDOW_SECONDS,
  });
  return {
    async attempt(userId, prove, isWrong) {
      const spent = await limit.consume(userId);
      let wrong = false;
      try {
        const outcome = await prove(spent);
        wrong = isWrong(outcome);
        return outcome;
      } finally {
        if (!wrong) await limit.undo(userId);
      }
    },
  };
}

/**
 * Writes down a wrong code. Whoever got so far knew the password, or holds a session: the user hears of it,
 * of the first in a window and of the last.
 */
export async function recordWrongCode(
  tx: Tx,
  userId: string,
  { address, userAgent, traceparent }: Omit<Visit, 'deviceToken'>,
  { used, left }: Spent,
): Promise<void> {
  await audit(tx, { action: 'mfa.failed', actorId: null, userId, personal: { address, userAgent } });
  if (used > 1 && left > 0) return;
  await announce(tx, {
    type: 'login.failed',
    actorId: null,
    data: { userId, device: userAgent?.slice(0, 512) ?? null, address },
    traceparent,
  });
}
