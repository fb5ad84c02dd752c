import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import { type Caller, hasRole, type Role } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { outdateTokens } from '../revocation/revoke.ts';
import { lockAdmins, lockUsers, otherAdminExists, setRole } from './accounts.repository.ts';
import type { UserRow } from './accounts.schema.ts';

/** Who acts, and for which request. `assertCurrent` throws when the row is not the one the client knows. */
export type Act = {
  caller: Caller;
  traceparent: string | undefined;
  assertCurrent?: (user: UserRow) => void;
};

/**
 * Gives a user a role. Sessions live on: with their next refresh they have it.
 *
 * @throws {Problem} `not_found`, `last_admin`, `forbidden`
 */
export function changeRole({ db, env }: Deps, act: Act, userId: string, role: Role): Promise<UserRow> {
  return db.transaction(async (tx) => {
    const user = await lockForAdmin(tx, act, userId, { takesAdmin: role !== 'ADMIN' });
    if (user.role === role) return user;
    const { caller, traceparent } = act;
    const actorId = caller.userId;
    await outdateTokens(tx, userId, { actorId, lifeSeconds: env.ACCESS_TOKEN_SECONDS, traceparent });
    const changed = await setRole(tx, userId, role);
    if (changed === undefined) throw new Error('a locked row vanished');
    const data = { userId, from: user.role, to: role };
    await announce(tx, { type: 'user.role_changed', actorId, data, traceparent });
    await audit(tx, {
      action: 'user.role_changed',
      actorId,
      userId,
      before: { role: user.role },
      after: { role },
    });
    return changed;
  });
}

/**
 * Locks a user for what only administrators may do to it, and looks whether the caller still is one: a token
 * may be a moment older than the truth.
 *
 * @throws {Problem} `not_found`, `last_admin`, `forbidden`
 */
export async function lockForAdmin(
  tx: Tx,
  { caller, assertCurrent }: Act,
  userId: string,
  { takesAdmin }: { takesAdmin: boolean },
): Promise<UserRow> {
  await lockAdmins(tx);
  const locked = await lockUsers(tx, [caller.userId, userId]);
  const user = locked.get(userId);
  if (user === undefined) throw new Problem('not_found', 'No such user.');
  assertCurrent?.(user);
  if (takesAdmin) await assertNotLastAdmin(tx, user);
  const actor = locked.get(caller.userId);
  if (actor === undefined || !hasRole(actor.role, 'ADMIN')) {
    throw new Problem('forbidden', 'You are no longer an administrator.');
  }
  return user;
}

/** Wants `lockAdmins` held. @throws {Problem} `last_admin` */
export async function assertNotLastAdmin(tx: Tx, user: UserRow): Promise<void> {
  if (user.role !== 'ADMIN' || (await otherAdminExists(tx, user.id))) return;
  throw new Problem('last_admin', 'Make somebody else an administrator first.');
}
