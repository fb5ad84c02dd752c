import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import { Problem } from '@tertulia/shared/http/problem';
import { deleteUser, lockAdmins, lockUser, updateUser } from '../accounts/accounts.repository.ts';
import type { UserRow } from '../accounts/accounts.schema.ts';
import { type Act, assertNotLastAdmin, lockForAdmin } from '../accounts/roles.service.ts';
import { erasePersonal } from '../audit/audit.repository.ts';
import { audit, type Personal } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { sendMail } from '../mail/send-mail.ts';
import { endSessions } from '../revocation/revoke.ts';

const DAY_MS = 86_400_000;

/** Who has shown the account's password, and from where. */
export type Proof = { user: UserRow; personal: Personal; traceparent: string | undefined };

/**
 * Ends an account: every session is over, and in `DELETION_DAYS` it goes for good. Again, it changes nothing.
 *
 * @throws {Problem} `invalid_credentials` when the password has changed meanwhile; `last_admin`
 */
export function endAccount({ db, env, secrets }: Deps, proof: Proof): Promise<Date> {
  return db.transaction(async (tx) => {
    await lockAdmins(tx);
    const user = await lockProven(tx, proof);
    if (user.deleteAt !== null) return user.deleteAt;
    await assertNotLastAdmin(tx, user);
    const { id, username, email, locale } = user;
    const deleteAt = new Date(Date.now() + env.DELETION_DAYS * DAY_MS);
    await updateUser(tx, id, { deleteAt });
    await endSessions(tx, id, 'all', {
      actorId: id,
      reason: 'account_ending',
      lifeSeconds: env.ACCESS_TOKEN_SECONDS,
      traceparent: proof.traceparent,
    });
    await audit(tx, {
      action: 'user.deletion_requested',
      actorId: id,
      userId: id,
      after: { deleteAt: deleteAt.toISOString() },
      personal: proof.personal,
    });
    await sendMail(tx, secrets.mails, {
      to: email,
      locale,
      template: 'deletion_requested',
      parameters: { username, deleteAt: deleteAt.toISOString() },
    });
    return deleteAt;
  });
}

/**
 * Takes the end of an account back; its owner may sign in again.
 *
 * @throws {Problem} `invalid_credentials`; `conflict` for an account that nobody has ended
 */
export function restoreAccount({ db, secrets }: Deps, proof: Proof): Promise<UserRow> {
  return db.transaction(async (tx) => {
    const { id, username, email, locale, deleteAt } = await lockProven(tx, proof);
    if (deleteAt === null) throw new Problem('conflict', 'This account is not being deleted: just sign in.');
    const restored = await updateUser(tx, id, { deleteAt: null });
    if (restored === undefined) throw new Error('a locked row vanished');
    await audit(tx, { action: 'user.restored', actorId: id, userId: id, personal: proof.personal });
    await sendMail(tx, secrets.mails, {
      to: email,
      locale,
      template: 'account_restored',
      parameters: { username },
    });
    return restored;
  });
}

async function lockProven(tx: Tx, { user: known }: Proof): Promise<UserRow> {
  const user = await lockUser(tx, known.id);
  const changed = user?.passwordHash !== known.passwordHash && user?.generation !== known.generation;
  if (user === undefined || changed) throw new Problem('invalid_credentials');
  return user;
}

/** An administrator deletes an account, at once and for good. @throws {Problem} `not_found`, `last_admin`, `forbidden` */
export function deleteByAdmin(deps: Deps, act: Act, userId: string): Promise<void> {
  return deps.db.transaction(async (tx) => {
    const user = await lockForAdmin(tx, act, userId, { takesAdmin: true });
    if (userId === act.caller.userId) {
      throw new Problem('forbidden', 'Your own account ends by DELETE /auth/account, with your password.');
    }
    await goForGood(deps, tx, user, { actorId: act.caller.userId, traceparent: act.traceparent });
  });
}

/** Deletes the account if its time has come: it may have been restored in the last moment. */
export function deleteIfDue(deps: Deps, userId: string): Promise<void> {
  return deps.db.transaction(async (tx) => {
    const user = await lockUser(tx, userId);
    if (user === undefined || user.deleteAt === null || user.deleteAt.getTime() > Date.now()) return;
    await goForGood(deps, tx, user, { actorId: user.id, traceparent: undefined });
  });
}

type By = { actorId: string; traceparent: string | undefined };

/**
 * The row goes, and by its foreign keys sessions, tokens, devices and factors. In the audit log events stay,
 * with ids alone. Name and address are free again: whoever takes them is another user, with another id.
 */
async function goForGood({ env }: Deps, tx: Tx, user: UserRow, by: By): Promise<void> {
  const { id: userId, username } = user;
  await endSessions(tx, userId, 'all', {
    ...by,
    reason: 'account_deleted',
    lifeSeconds: env.ACCESS_TOKEN_SECONDS,
  });
  await audit(tx, { action: 'user.deleted', actorId: by.actorId, userId });
  await erasePersonal(tx, userId);
  await deleteUser(tx, userId);
  await announce(tx, { type: 'user.deleted', ...by, data: { userId, username } });
}
