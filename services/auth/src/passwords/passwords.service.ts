import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import { Problem } from '@tertulia/shared/http/problem';
import { keyOf, lockUser, updateUser } from '../accounts/accounts.repository.ts';
import type { UserRow } from '../accounts/accounts.schema.ts';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { findToken, killTokens, useToken } from '../email/one-time-tokens.ts';
import { sendMail } from '../mail/send-mail.ts';
import { endSessions, outdateTokens, type Which } from '../revocation/revoke.ts';
import { forgetDevices, rememberDevice } from '../sessions/devices.ts';
import type { Visit } from '../sessions/login.service.ts';
import { refuseOwnName } from './password-rules.ts';

/** Sets a password that its owner has chosen while signed in; `user` has just shown the current one. */
export async function changePassword(
  deps: Deps,
  user: UserRow,
  sessionId: string,
  visit: Visit,
  password: string,
): Promise<void> {
  refuseOwnName(password, user, 'newPassword');
  const passwordHash = await deps.passwords.hash(password);
  await deps.db.transaction(async (tx) => {
    const now = await lockUser(tx, user.id);
    if (now === undefined || now.generation !== user.generation) throw new Problem('invalid_credentials');
    await setPassword(deps, tx, now, passwordHash, visit, { by: 'change', end: { except: sessionId } });
  });
}

/**
 * Sets a password by the token of a mail. It ends every session and the lockout, and forgets every device
 * but this one, whose token is returned.
 *
 * @throws {Problem} `invalid_token`
 */
export async function resetPassword(
  deps: Deps,
  token: string,
  visit: Visit,
  password: string,
): Promise<string> {
  const { db, passwords } = deps;
  const found = await findToken(db, token, ['reset_password']);
  if (found === undefined) throw new Problem('invalid_token');
  const passwordHash = await passwords.hash(password);
  const { account, device } = await db.transaction(async (tx) => {
    const user = await lockUser(tx, found.userId);
    const used = await useToken(tx, token, ['reset_password']);
    if (user === undefined || used === undefined) throw new Problem('invalid_token');
    refuseOwnName(password, user, 'password');
    await setPassword(deps, tx, user, passwordHash, visit, { by: 'reset', end: 'all' });
    // Who has the mail has shown that the address is theirs.
    const isVerified = user.emailVerifiedAt !== null || keyOf(used.email ?? '') !== user.emailKey;
    if (!isVerified) await updateUser(tx, user.id, { emailVerifiedAt: new Date() });
    await forgetDevices(tx, user.id);
    return { account: user.emailKey, device: await rememberDevice(tx, user.id, visit.deviceToken) };
  });
  await deps.lockout.lift(account);
  return device.token;
}

async function setPassword(
  { env, secrets }: Deps,
  tx: Tx,
  { id, email, locale, username }: UserRow,
  passwordHash: string,
  { address, userAgent, traceparent }: Visit,
  { by, end }: { by: 'change' | 'reset'; end: Which },
): Promise<void> {
  const cause = { actorId: id, lifeSeconds: env.ACCESS_TOKEN_SECONDS, traceparent };
  await updateUser(tx, id, { passwordHash });
  await killTokens(tx, id, ['reset_password', 'change_email', 'mfa']);
  await endSessions(tx, id, end, {
    ...cause,
    reason: by === 'change' ? 'password_changed' : 'password_reset',
  });
  await outdateTokens(tx, id, cause);
  await announce(tx, {
    type: 'user.password_changed',
    actorId: id,
    data: { userId: id, by },
    traceparent,
  });
  await audit(tx, {
    action: by === 'change' ? 'password.changed' : 'password.reset',
    actorId: id,
    userId: id,
    personal: { address, userAgent },
  });
  await sendMail(tx, secrets.mails, {
    to: email,
    locale,
    template: 'password_changed',
    parameters: { username },
  });
}
