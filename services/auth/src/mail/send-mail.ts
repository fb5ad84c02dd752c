import type { Executor } from '@tertulia/shared/db/database';
import { mails } from '../db/schema.ts';
import { seal } from '../keys/seal.ts';

/** What each mail is filled with. A new one, and no language compiles until it has a text. */
export type MailParameters = {
  verify_email: { username: string };
  reset_password: { username: string };
  password_changed: { username: string };
  confirm_new_email: { username: string };
  /** To the old address. */
  email_change_requested: { username: string; newEmail: string };
  email_changed: { username: string; newEmail: string };
  factors_reset: { username: string };
  factor_changed: {
    username: string;
    what: 'totp_added' | 'totp_removed' | 'passkey_added' | 'passkey_removed';
  };
  account_suspended: { username: string; reason: string; until: string | null };
  deletion_requested: { username: string; deleteAt: string };
  account_restored: { username: string };
};
export type MailTemplate = keyof MailParameters;

export type Mail<Template extends MailTemplate = MailTemplate> = {
  to: string;
  /** The user's language. */
  locale: string;
  template: Template;
  parameters: MailParameters[Template];
  /**
   * For a mail with a link: whose token it carries. The token is made when the mail goes out, so that its
   * half hour begins then, however long the mail had to wait.
   */
  token?: { userId: string; purpose: 'verify_email' | 'reset_password' | 'change_email' };
};

/**
 * A mail that somebody wants for an address, whether there is an account or not. That is found out when it is
 * sent, in the background: whoever asks cannot tell by the time it takes.
 */
export type MailWish = {
  wish: 'reset_password' | 'verify_email';
  account: string;
  address: string;
  userAgent: string | undefined;
};

/** Leaves a mail to be sent once the transaction is committed, and until it is out, whatever crashes. */
export async function sendMail<Template extends MailTemplate>(
  tx: Executor,
  key: CryptoKey,
  mail: Mail<Template>,
): Promise<void> {
  await leave(tx, key, mail);
}

/** Leaves a wish; see {@link MailWish}. */
export async function wishMail(tx: Executor, key: CryptoKey, wish: MailWish): Promise<void> {
  await leave(tx, key, wish);
}

async function leave(tx: Executor, key: CryptoKey, waiting: Mail | MailWish): Promise<void> {
  await tx.insert(mails).values({ id: Bun.randomUUIDv7(), sealed: await seal(key, JSON.stringify(waiting)) });
}
