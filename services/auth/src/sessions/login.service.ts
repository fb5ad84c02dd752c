import type { Tx } from '@tertulia/shared/db/database';
import type { AppEnv } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Context } from 'hono';
import { lockUser } from '../accounts/accounts.repository.ts';
import type { UserRow } from '../accounts/accounts.schema.ts';
import type { Deps } from '../deps.ts';
import { startSession, type Tokens } from './sessions.service.ts';

/** From where, and with what, somebody signs in. */
export type Visit = {
  userAgent: string | undefined;
  address: string;
  traceparent: string | undefined;
};

export function visitOf(c: Context<AppEnv>): Visit {
  const { address, traceparent } = c.var;
  return { userAgent: c.req.header('User-Agent'), address, traceparent };
}

export type SignedIn = { user: UserRow; tokens: Tokens };

/**
 * What follows a right password, under the lock of the user's row: nobody slips in with a password that was
 * changed, or into an account that was suspended, in the meantime. A problem that must leave something
 * behind, such as the token of a second factor, is returned, so that it is committed; others are thrown.
 */
export async function admit(deps: Deps, tx: Tx, known: UserRow, visit: Visit): Promise<SignedIn | Problem> {
  const user = await lockUser(tx, known.id);
  if (user === undefined || user.passwordHash !== known.passwordHash)
    throw new Problem('invalid_credentials');
  // 1. Suspended?
  // 2. Deletion pending?
  // 3. Second factor?
  return completeSignIn(deps, tx, user, visit, { mfa: false });
}

/** The end of every way to sign in: by password, second factor, passkey, or a new account. */
export async function completeSignIn(
  deps: Deps,
  tx: Tx,
  user: UserRow,
  visit: Visit,
  _how: { mfa: boolean },
): Promise<SignedIn> {
  // 4. Known device?
  // 5. The session.
  const tokens = await startSession(deps, tx, user, visit);
  return { user, tokens };
}
