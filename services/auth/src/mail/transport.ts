import type { Log } from '@tertulia/shared/runtime/log';
import { createTransport } from 'nodemailer';
import type { AuthEnv } from '../env.ts';
import type { Letter } from './render.ts';

export type Transport = {
  /** Hands a letter over. The same `id` at every try, so that a receiver can tell a repetition. */
  deliver(id: string, letter: Letter, signal: AbortSignal): Promise<void>;
  /** Whether letters go anywhere, or are thrown away. */
  discards: boolean;
};

const TIMEOUT_MS = 10_000;

/** By SMTP; without a server, to the log in development, and nowhere in production. */
export function openTransport(env: AuthEnv, log: Log): Transport {
  if (env.SMTP_URL !== undefined) return smtp(env.SMTP_URL, env.MAIL_FROM);
  if (env.NODE_ENV === 'production') {
    log.warn('SMTP_URL is unset: no mail is sent, so nobody can reset a password');
    return { discards: true, deliver: async () => {} };
  }
  return {
    discards: false,
    async deliver(_id, { to, subject, text }) {
      log.warn({ to, subject, text }, 'a mail that is only shown, as SMTP_URL is unset');
    },
  };
}

function smtp(url: string, from: string): Transport {
  const mailer = createTransport({
    url,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    dnsTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = /@([^>\s]+)/.exec(from)?.[1] ?? 'localhost';
  return {
    discards: false,
    async deliver(id, { to, locale, subject, text, html }, signal) {
      await mailer.sendMail({
        from,
        // As an object: it is one address, whatever is in it.
        to: { name: '', address: to },
        subject,
        text,
        html,
        signal,
        messageId: `<${id}@${domain}>`,
        headers: {
          'Content-Language': locale,
          // RFC 3834: nobody's holiday notice comes back.
          'Auto-Submitted': 'auto-generated',
          'X-Auto-Response-Suppress': 'All',
        },
      });
    },
  };
}
