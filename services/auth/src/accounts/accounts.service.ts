import type { Db, Tx } from '@tertulia/shared/db/database';
import { isUniqueViolation } from '@tertulia/shared/db/unavailable';
import { announce } from '@tertulia/shared/events/announce';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { audit, type Personal } from '../audit/audit.ts';
import { insertUser, keyOf, lockUser, type NewUser, updateUser } from './accounts.repository.ts';
import type { UserRow } from './accounts.schema.ts';

type Registration = {
  username: string;
  email: string;
  passwordHash: string;
  displayName?: string | undefined;
};

type Circumstances = {
  role?: UserRow['role'];
  traceparent?: string | undefined;
  /** From where and with what; for the audit log. */
  personal?: Personal;
};

/** Makes an account and tells of it. @throws {Problem} `username_taken`, `email_taken` */
export async function register(
  tx: Tx,
  registration: Registration,
  { role = 'USER', traceparent, personal }: Circumstances = {},
): Promise<UserRow> {
  const row: NewUser = {
    id: Bun.randomUUIDv7(),
    username: registration.username,
    usernameKey: keyOf(registration.username),
    email: registration.email,
    emailKey: keyOf(registration.email),
    passwordHash: registration.passwordHash,
    displayName: registration.displayName ?? null,
    role,
  };
  const user = await insertUser(tx, row).catch((error: unknown) => {
    if (isUniqueViolation(error, 'users_username_key')) throw new Problem('username_taken');
    if (isUniqueViolation(error, 'users_email_key')) throw new Problem('email_taken');
    throw error;
  });
  await announce(tx, { type: 'user.registered', actorId: user.id, data: aboutUser(user), traceparent });
  await audit(tx, {
    action: 'user.registered',
    actorId: user.id,
    userId: user.id,
    after: { role },
    ...(personal === undefined ? {} : { personal }),
  });
  return user;
}

type ProfileChange = Pick<NewUser, 'displayName' | 'bio' | 'locale'>;

/**
 * Changes what a user tells of itself. `assertCurrent` sees the row under its lock, and throws if the caller
 * knows only an older one.
 */
export async function changeProfile(
  db: Db,
  caller: Caller,
  change: ProfileChange,
  assertCurrent: (user: UserRow) => void,
  traceparent?: string,
) {
  return db.transaction(async (tx) => {
    const before = await lockUser(tx, caller.userId);
    if (before === undefined) throw new Problem('not_found');
    assertCurrent(before);
    const user = await updateUser(tx, caller.userId, change);
    if (user === undefined) throw new Problem('not_found');
    await announce(tx, {
      type: 'user.profile_updated',
      actorId: user.id,
      data: aboutUser(user),
      traceparent,
    });
    return user;
  });
}

function aboutUser({ id, username, displayName, locale, role }: UserRow) {
  return { userId: id, username, displayName, locale, role };
}
