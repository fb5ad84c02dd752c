import type { Tx } from '@tertulia/shared/db/database';
import { isUniqueViolation } from '@tertulia/shared/db/unavailable';
import { Problem } from '@tertulia/shared/http/problem';
import { keyOf, lockUser, updateUser } from '../accounts/accounts.repository.ts';
import type { UserRow } from '../accounts/accounts.schema.ts';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { sendMail } from '../mail/send-mail.ts';
import type { Visit } from '../sessions/login.service.ts';
import { findToken, killTokens, useToken } from './one-time-tokens.ts';

/**
 * Does what the token of a mail stands for: confirms an address, or makes a new one the account's own.
 *
 * @throws {Problem} `invalid_token`; `email_taken` when the new address went to somebody else meanwhile.
 */
export async function verifyEmail(deps: Deps, token: string, visit: Visit): Promise<void> {
  const purposes = ['verify_email', 'change_email'] as const;
  const found = await findToken(deps.db, token, [...purposes]);
  if (found === undefined) throw new Problem('invalid_token');
  await deps.db.transaction(async (tx) => {
    // The user's row first, as everybody locks it first.
    const user = await lockUser(tx, found.userId);
    const used = await useToken(tx, token, [...purposes]);
    if (user === undefined || used === undefined || used.email === null) throw new Problem('invalid_token');
    if (used.purpose === 'change_email') return takeAddress(deps, tx, user, used.email, visit);
    if (keyOf(used.email) !== user.emailKey) throw new Problem('invalid_token');
    await updateUser(tx, user.id, { emailVerifiedAt: new Date() });
    await audit(tx, entry('email.verified', user.id, visit));
  });
}

async function takeAddress({ secrets }: Deps, tx: Tx, user: UserRow, email: string, visit: Visit) {
  const change = { email, emailKey: keyOf(email), emailVerifiedAt: new Date() };
  await updateUser(tx, user.id, change).catch((error: unknown) => {
    if (isUniqueViolation(error, 'users_email_key')) throw new Problem('email_taken');
    throw error;
  });
  await killTokens(tx, user.id, ['verify_email', 'reset_password', 'change_email']);
  await audit(tx, entry('email.changed', user.id, visit, email));
  await sendMail(tx, secrets.mails, {
    to: user.email,
    locale: user.locale,
    template: 'email_changed',
    parameters: { username: user.username, newEmail: email },
  });
}

/**
 * Mails a link to the new address, and word of it to the old one. Whether somebody has the new address shows
 * nowhere; then that mail is not sent. `user` has just shown the password.
 */
export async function requestEmailChange(
  { db, secrets }: Deps,
  { id, username, locale, email }: UserRow,
  newEmail: string,
  visit: Visit,
): Promise<void> {
  const common = { locale, parameters: { username, newEmail } };
  await db.transaction(async (tx) => {
    await audit(tx, entry('email.change_requested', id, visit, newEmail));
    await sendMail(tx, secrets.mails, {
      ...common,
      to: newEmail,
      template: 'confirm_new_email',
      token: { userId: id, purpose: 'change_email' },
    });
    await sendMail(tx, secrets.mails, { ...common, to: email, template: 'email_change_requested' });
  });
}

type Action = 'email.verified' | 'email.changed' | 'email.change_requested';

function entry(action: Action, id: string, { address, userAgent }: Visit, email?: string) {
  const personal = { address, userAgent, ...(email === undefined ? {} : { email }) };
  return { action, actorId: id, userId: id, personal };
}
