import type { Db, Tx } from '@tertulia/shared/db/database';
import { findByEmail, keyOf, lockUser } from '../accounts/accounts.repository.ts';
import type { UserRow } from '../accounts/accounts.schema.ts';
import { audit } from '../audit/audit.ts';
import { makeToken } from '../email/one-time-tokens.ts';
import { type Letter, render } from './render.ts';
import type { Mail, MailWish } from './send-mail.ts';

/** Pages of the front end that links lead to. The token is in the fragment, which no server gets to see. */
const PAGES = {
  verify_email: '/verify-email',
  change_email: '/verify-email',
  reset_password: '/reset-password',
} as const;

/**
 * Makes a letter of what waits: finds the account that a wish is for, and makes the token that a link
 * carries. Undefined when nobody is to get it, as when there is no such account.
 */
export async function prepareMail(
  db: Db,
  webUrl: string,
  waiting: Mail | MailWish,
  isFirstTry: boolean,
): Promise<Letter | undefined> {
  return db.transaction(async (tx) => {
    const mail = 'wish' in waiting ? await grant(tx, waiting, isFirstTry) : waiting;
    if (mail === undefined) return undefined;
    if (mail.token === undefined) return render(mail, undefined);
    const { userId, purpose } = mail.token;
    const user = await lockUser(tx, userId);
    if (user === undefined || (await isInVain(tx, user, mail.to, purpose))) return undefined;
    const token = await makeToken(tx, { userId, purpose, email: mail.to });
    return render(mail, `${webUrl.replace(/\/+$/, '')}${PAGES[purpose]}#token=${token}`);
  });
}

/** A new address that somebody has, and one to confirm that is no longer the account's. */
async function isInVain(tx: Tx, user: UserRow, to: string, purpose: keyof typeof PAGES): Promise<boolean> {
  if (purpose !== 'change_email') return keyOf(to) !== user.emailKey;
  return (await findByEmail(tx, to)) !== undefined;
}

async function grant(tx: Tx, wish: MailWish, isFirstTry: boolean): Promise<Mail | undefined> {
  const user = await findByEmail(tx, wish.account);
  if (user === undefined) return undefined;
  if (wish.wish === 'verify_email' && user.emailVerifiedAt !== null) return undefined;
  if (wish.wish === 'reset_password' && isFirstTry) {
    await audit(tx, {
      action: 'password.reset_requested',
      actorId: null,
      userId: user.id,
      personal: { address: wish.address, userAgent: wish.userAgent },
    });
  }
  return {
    to: user.email,
    locale: user.locale,
    template: wish.wish,
    parameters: { username: user.username },
    token: { userId: user.id, purpose: wish.wish },
  };
}
