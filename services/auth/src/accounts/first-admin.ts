import { EnvError } from '@tertulia/shared/config/env';
import type { Db } from '@tertulia/shared/db/database';
import type { AuthEnv } from '../env.ts';
import { newPassword, ownNameRefusal } from '../passwords/password-rules.ts';
import type { Passwords } from '../passwords/passwords.ts';
import { adminExists, findByEmail, listUsers } from './accounts.repository.ts';
import { register } from './accounts.service.ts';

const DEVELOPMENT_EMAIL = 'admin@tertulia.local';

/**
 * Makes the first administrator: the one of `ADMIN_EMAIL` and `ADMIN_PASSWORD`, or in development, where
 * those are unset and there is none yet, one with a random password. That is returned, to be shown once.
 */
export async function ensureFirstAdmin(
  db: Db,
  passwords: Passwords,
  env: AuthEnv,
): Promise<{ email: string; password: string } | undefined> {
  if (env.ADMIN_EMAIL !== undefined && env.ADMIN_PASSWORD !== undefined) {
    if ((await findByEmail(db, env.ADMIN_EMAIL)) === undefined) {
      await makeAdmin(db, passwords, env.ADMIN_EMAIL, env.ADMIN_PASSWORD);
    }
    return undefined;
  }
  if (env.NODE_ENV !== 'development' || (await adminExists(db))) return undefined;
  const password = Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('base64url');
  await makeAdmin(db, passwords, DEVELOPMENT_EMAIL, password);
  return { email: DEVELOPMENT_EMAIL, password };
}

/** Replicas that start together collide on the unique address; the one that came second is content. */
async function makeAdmin(db: Db, passwords: Passwords, email: string, password: string): Promise<void> {
  const username = await freeName(db);
  assertGood(password, { username, email });
  const passwordHash = await passwords.hash(password);
  try {
    await db.transaction((tx) => register(tx, { username, email, passwordHash }, { role: 'ADMIN' }));
  } catch (error) {
    if ((await findByEmail(db, email)) === undefined) throw error;
  }
}

/** The rules of everybody's passwords. @throws {EnvError} */
function assertGood(password: string, owner: { username: string; email: string }): void {
  const refusal =
    newPassword.safeParse(password).error?.issues[0]?.message ?? ownNameRefusal(password, owner);
  if (refusal !== undefined) throw new EnvError([`ADMIN_PASSWORD: ${refusal}`]);
}

/** `admin`, unless somebody has it already. */
async function freeName(db: Db): Promise<string> {
  const taken = await listUsers(db, { q: 'admin' }, 1);
  return taken.length === 0 ? 'admin' : `admin-${Bun.randomUUIDv7().slice(-6)}`;
}
