import { Problem } from '@tertulia/shared/http/problem';
import type { users } from '../db/schema.ts';

type Suspendable = Pick<
  typeof users.$inferSelect,
  'suspendedAt' | 'suspendedUntil' | 'suspensionReason' | 'deleteAt'
>;

/** A suspension with an end is over by then, whether or not the sweep has told of it. */
export function isSuspended({ suspendedAt, suspendedUntil }: Suspendable, now = Date.now()): boolean {
  return suspendedAt !== null && (suspendedUntil === null || suspendedUntil.getTime() > now);
}

/**
 * For every way to sign in, once the password (or passkey) was right: only then is the state told.
 *
 * @throws {Problem} `account_suspended`, with `reason` and `until`
 */
export function assertNotSuspended(user: Suspendable): void {
  if (!isSuspended(user)) return;
  const until = user.suspendedUntil?.toISOString() ?? null;
  throw new Problem('account_suspended', user.suspensionReason ?? undefined, {
    members: { reason: user.suspensionReason, until },
  });
}

/**
 * For every way to sign in: an account that its owner has ended is only there to be restored.
 *
 * @throws {Problem} `account_ending`, with `deleteAt`
 */
export function assertNotEnding({ deleteAt }: Suspendable): void {
  if (deleteAt === null) return;
  throw new Problem('account_ending', 'POST /auth/account/restore brings it back until then.', {
    members: { deleteAt: deleteAt.toISOString() },
  });
}
