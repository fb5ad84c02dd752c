import type { Db } from '@tertulia/shared/db/database';
import type { AuthEnv } from '../env.ts';
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
  const passwordHash = await passwords.hash(password);
  const username = await freeName(db);
  try {
    await db.transaction((tx) => register(tx, { username, email, passwordHash }, { role: 'ADMIN' }));
  } catch (error) {
    if ((await findByEmail(db, email)) === undefined) throw error;
  }
}

/** `admin`, unless somebody has it already. */
async function freeName(db: Db): Promise<string> {
  const taken = await listUsers(db, { q: 'admin' }, 1);
  return taken.length === 0 ? 'admin' : `admin-${Bun.randomUUIDv7().slice(-6)}`;
}
