import { TOKEN_MINUTES } from '../../email/one-time-tokens.ts';
import type { Texts } from './texts.ts';

const validity = `The link works once, for ${TOKEN_MINUTES} minutes.`;
const notYou = 'If this was not you, change your password now: somebody else may know it.';

const FACTORS = {
  totp_added: 'an authenticator app was added to',
  totp_removed: 'the authenticator app was removed from',
  passkey_added: 'a passkey was added to',
  passkey_removed: 'a passkey was removed from',
} as const;

export const en: Texts = {
  verify_email: ({ username }) => ({
    subject: 'Confirm your e-mail address',
    paragraphs: [
      `Hello @${username}, please confirm that this address is yours.`,
      `${validity} If you have no account with us, do nothing.`,
    ],
    button: 'Confirm address',
  }),
  reset_password: ({ username }) => ({
    subject: 'Choose a new password',
    paragraphs: [
      `Hello @${username}, somebody asked for a new password for your account.`,
      `${validity} If it was not you, do nothing: your password stays as it is.`,
    ],
    button: 'Choose a password',
  }),
  password_changed: ({ username }) => ({
    subject: 'Your password was changed',
    paragraphs: [
      `Hello @${username}, the password of your account was changed, and other devices were signed out.`,
      'If this was not you, ask for a new password at once: “Forgot password” on the sign-in page.',
    ],
  }),
  confirm_new_email: ({ username }) => ({
    subject: 'Confirm your new e-mail address',
    paragraphs: [
      `Hello @${username}, please confirm that this is to be the address of your account.`,
      `${validity} If you did not ask for it, do nothing.`,
    ],
    button: 'Confirm address',
  }),
  email_change_requested: ({ username, newEmail }) => ({
    subject: 'Your e-mail address is about to change',
    paragraphs: [
      `Hello @${username}, somebody who knows your password asked to change the address of your account to ${newEmail}.`,
      notYou,
    ],
  }),
  email_changed: ({ username, newEmail }) => ({
    subject: 'Your e-mail address was changed',
    paragraphs: [
      `Hello @${username}, the address of your account is now ${newEmail}. This one is no longer in use.`,
      'If this was not you, please tell the administrators.',
    ],
  }),
  factors_reset: ({ username }) => ({
    subject: 'Your second factors were removed',
    paragraphs: [
      `Hello @${username}, an administrator removed the second factors of your account. Your password alone signs you in now.`,
      'If you did not ask for it, change your password, and set up a second factor again.',
    ],
  }),
  factor_changed: ({ username, what }) => ({
    subject: 'The way you sign in was changed',
    paragraphs: [`Hello @${username}, ${FACTORS[what]} your account.`, notYou],
  }),
  account_suspended: ({ username, reason, until }) => ({
    subject: 'Your account is suspended',
    paragraphs: [
      `Hello @${username}, your account is suspended ${until === null ? 'until further notice' : `until ${dayOf(until)}`}.`,
      `Reason: ${reason}`,
    ],
  }),
  deletion_requested: ({ username, deleteAt }) => ({
    subject: 'Your account will be deleted',
    paragraphs: [
      `Hello @${username}, your account and everything in it will be deleted for good on ${dayOf(deleteAt)}.`,
      'Until then you can sign in and restore it.',
    ],
  }),
  account_restored: ({ username }) => ({
    subject: 'Your account is restored',
    paragraphs: [`Hello @${username}, your account will not be deleted. Welcome back.`, notYou],
  }),
};

const dayOf = (instant: string) =>
  new Date(instant)
    .toLocaleString('en', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
    .concat(' UTC');
