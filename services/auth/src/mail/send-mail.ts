import type { Executor } from '@tertulia/shared/db/database';
import { mails } from '../db/schema.ts';
import { seal } from '../keys/seal.ts';

/** What each mail is filled with. A new one, and no language compiles until it has a text. */
export type MailParameters = {
  verify_email: { username: string; token: string };
  reset_password: { username: string; token: string; minutes: number };
  password_changed: { username: string };
  confirm_new_email: { username: string; token: string };
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
};

/** Leaves a mail to be sent once the transaction is committed, and until it is out, whatever crashes. */
export async function sendMail<Template extends MailTemplate>(
  tx: Executor,
  key: CryptoKey,
  mail: Mail<Template>,
): Promise<void> {
  await tx.insert(mails).values({ id: Bun.randomUUIDv7(), sealed: await seal(key, JSON.stringify(mail)) });
}
