import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import { hasRole } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { lockUser, lockUsers, updateUser } from '../accounts/accounts.repository.ts';
import type { UserRow } from '../accounts/accounts.schema.ts';
import type { Act } from '../accounts/roles.service.ts';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { sendMail } from '../mail/send-mail.ts';
import { endSessions, outdateTokens } from '../revocation/revoke.ts';
import { isSuspended } from './suspension.ts';
import { clearSuspension } from './suspensions.repository.ts';
import { type Suspension, toSuspension } from './suspensions.schema.ts';

type NewSuspension = { reason: string; until: string | null };

/**
 * Shuts a user out: every session ends, and nobody signs in until it is over. Again, it replaces reason and
 * end.
 *
 * @throws {Problem} `not_found`, `forbidden`
 */
export function suspend(
  { db, env, secrets }: Deps,
  act: Act,
  userId: string,
  { reason, until }: NewSuspension,
): Promise<Suspension> {
  return db.transaction(async (tx) => {
    const before = await lockBelow(tx, act, userId);
    const { caller, traceparent } = act;
    const cause = { actorId: caller.userId, lifeSeconds: env.ACCESS_TOKEN_SECONDS, traceparent };
    await endSessions(tx, userId, 'all', { ...cause, reason: 'suspended' });
    await outdateTokens(tx, userId, cause);
    const user = await updateUser(tx, userId, {
      suspendedAt: isSuspended(before) ? before.suspendedAt : new Date(),
      suspendedUntil: until === null ? null : new Date(until),
      suspensionReason: reason,
      suspendedBy: caller.userId,
    });
    const suspension = user === undefined ? undefined : toSuspension(user);
    if (suspension === undefined) throw new Error('a locked row vanished');
    const data = { userId, reason, until };
    await announce(tx, { type: 'user.suspended', actorId: caller.userId, data, traceparent });
    await audit(tx, {
      action: 'user.suspended',
      actorId: caller.userId,
      userId,
      ...(isSuspended(before) ? { before: termsOf(before) } : {}),
      after: { reason, until },
    });
    await sendMail(tx, secrets.mails, {
      to: before.email,
      locale: before.locale,
      template: 'account_suspended',
      parameters: { username: before.username, reason, until },
    });
    return suspension;
  });
}

/** Lets a user in again; one who is not suspended stays as it is. @throws {Problem} `not_found`, `forbidden` */
export function unsuspend({ db }: Deps, act: Act, userId: string): Promise<void> {
  return db.transaction(async (tx) => {
    const user = await lockBelow(tx, act, userId);
    if (user.suspendedAt !== null) await end(tx, user, act.caller.userId, act.traceparent);
  });
}

/** @throws {Problem} `not_found`, also for a user who is not suspended; `forbidden` */
export function findSuspension({ db }: Deps, act: Act, userId: string): Promise<Suspension> {
  return db.transaction(async (tx) => {
    const user = await lockBelow(tx, act, userId);
    const suspension = isSuspended(user) ? toSuspension(user) : undefined;
    if (suspension === undefined) throw new Problem('not_found', 'This user is not suspended.');
    return suspension;
  });
}

/** Ends the suspension if it is over by the clock: somebody may have prolonged it, or ended it. */
export function endIfDue({ db }: Deps, userId: string): Promise<void> {
  return db.transaction(async (tx) => {
    const user = await lockUser(tx, userId);
    if (user !== undefined && user.suspendedAt !== null && !isSuspended(user)) await end(tx, user, null);
  });
}

async function end(tx: Tx, user: UserRow, actorId: string | null, traceparent?: string): Promise<void> {
  await clearSuspension(tx, user.id);
  await announce(tx, { type: 'user.unsuspended', actorId, data: { userId: user.id }, traceparent });
  await audit(tx, { action: 'user.unsuspended', actorId, userId: user.id, before: termsOf(user) });
}

/** A user who ranks below the caller, as both are now, locked. Nobody ranks below oneself. */
async function lockBelow(tx: Tx, { caller, assertCurrent }: Act, userId: string): Promise<UserRow> {
  const locked = await lockUsers(tx, [caller.userId, userId]);
  const user = locked.get(userId);
  if (user === undefined) throw new Problem('not_found', 'No such user.');
  const actor = locked.get(caller.userId);
  const mayAct = actor !== undefined && hasRole(actor.role, 'MODERATOR') && !isSuspended(actor);
  if (!mayAct || hasRole(user.role, actor.role)) {
    throw new Problem('forbidden', 'Moderators suspend users, and administrators all but administrators.');
  }
  assertCurrent?.(user);
  return user;
}

function termsOf({ suspensionReason, suspendedUntil }: UserRow) {
  return { reason: suspensionReason, until: suspendedUntil?.toISOString() ?? null };
}
