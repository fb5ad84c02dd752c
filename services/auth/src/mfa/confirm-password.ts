import { Problem } from '@tertulia/shared/http/problem';
import type { UserRow } from '../accounts/accounts.schema.ts';
import type { Deps } from '../deps.ts';
import { recordFailure, type Visit } from '../sessions/login.service.ts';

type Session = { userId: string; sessionId: string };

/**
 * The password again, of who is signed in: a session that was left open is not enough for what follows.
 *
 * @throws {Problem} `invalid_credentials`, `rate_limited`
 */
export async function confirmPassword(
  { db, findUser, lockout, passwords }: Deps,
  { userId, sessionId }: Session,
  visit: Visit,
  password: string,
): Promise<UserRow> {
  const user = await findUser(userId);
  if (user === undefined) throw new Problem('unauthenticated');
  const failure = await lockout.confirm({ account: user.emailKey, sessionId }, (turn) =>
    passwords.verify(password, user.passwordHash, turn),
  );
  if (failure === undefined) return user;
  await recordFailure(db, user, visit, failure);
  throw new Problem('invalid_credentials', 'The password is wrong.');
}
