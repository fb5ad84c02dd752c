import type { Db } from '@tertulia/shared/db/database';
import { isUnavailable } from '@tertulia/shared/db/unavailable';
import type { Log } from '@tertulia/shared/runtime/log';
import { type Loop, pause, startLoop } from '@tertulia/shared/runtime/loop';
import type { Deps } from '../deps.ts';
import { unseal } from '../keys/seal.ts';
import { postponeMail, removeMail, takeMails, type WaitingMail } from './mails.repository.ts';
import { prepareMail } from './prepare-mail.ts';
import type { Mail, MailWish } from './send-mail.ts';
import type { Transport } from './transport.ts';

const BATCH = 10;
const POLL_MS = 1000;
/** Longer than any delivery with its timeouts. */
const LEASE_SECONDS = 120;
/** Some two hours of tries, further and further apart. */
export const MAX_ATTEMPTS = 16;
const MAX_PAUSE_SECONDS = 900;
/** What is on its way when we are told to stop gets so long; then another process tries again. */
const GRACE_MS = 1000;

/** What became of mails; `dropped` are given up, `discarded` had no server to go to. */
export type MailOutcome = 'sent' | 'failed' | 'dropped' | 'discarded' | 'unwanted';

type Options = {
  db: Db;
  key: CryptoKey;
  webUrl: string;
  transport: Transport;
  log: Log;
  count(outcome: MailOutcome): void;
  /** Time between two looks; shorter in tests. */
  pollMs?: number;
};

/** What a sender needs, out of a service's resources. */
export function mailSenderOptions(
  { db, env, log, mailCounts, secrets }: Pick<Deps, 'db' | 'env' | 'log' | 'mailCounts' | 'secrets'>,
  transport: Transport,
): Options {
  const count = (outcome: MailOutcome) => {
    mailCounts[outcome]++;
  };
  return { db, key: secrets.mails, webUrl: env.WEB_URL, transport, log, count };
}

/** Sends what is due, a batch; returns how many mails it took. Replicas share the work. */
export async function sendDueMails(options: Options, signal = new AbortController().signal): Promise<number> {
  const taken = await takeMails(options.db, BATCH, LEASE_SECONDS);
  await Promise.all(taken.map((mail) => attempt(options, mail, signal)));
  return taken.length;
}

async function attempt(options: Options, waiting: WaitingMail, signal: AbortSignal): Promise<void> {
  const { db, transport, log, count } = options;
  const mail = await open(options, waiting);
  // Nothing of the mail itself: whom it was for and what it said is nobody's business.
  const about = { mail: waiting.id, attempts: waiting.attempts, ...(mail && { template: kindOf(mail) }) };
  if (mail === undefined) {
    log.error(about, 'a mail was dropped: it was sealed with another AUTH_SECRET');
    return settle('dropped');
  }
  if (transport.discards) return settle('discarded');
  try {
    const letter = await prepareMail(db, options.webUrl, mail, waiting.attempts === 1);
    if (letter === undefined) return await settle('unwanted');
    await transport.deliver(waiting.id, letter, signal);
    return await settle('sent');
  } catch (error) {
    const reason = reasonOf(error);
    if (waiting.attempts < MAX_ATTEMPTS && !isRefused(error)) {
      count('failed');
      log.warn({ ...about, reason }, 'a mail was not sent; it will be tried again');
      return postponeMail(db, waiting, Math.min(2 ** (waiting.attempts - 1), MAX_PAUSE_SECONDS));
    }
    log.error({ ...about, reason }, 'a mail was dropped');
    return settle('dropped');
  }

  async function settle(outcome: MailOutcome): Promise<void> {
    await removeMail(db, waiting.id);
    count(outcome);
  }
}

async function open({ key }: Options, { sealed }: WaitingMail): Promise<Mail | MailWish | undefined> {
  const text = await unseal(key, sealed).catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

const kindOf = (mail: Mail | MailWish) => ('wish' in mail ? mail.wish : mail.template);

/** True when the server will never take this mail, as when there is no such mailbox. */
function isRefused(error: unknown): boolean {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const permanent = typeof responseCode === 'number' && responseCode >= 500 && responseCode !== 503;
  return permanent && (code === 'EENVELOPE' || code === 'EMESSAGE');
}

/** Codes alone: a server's own words repeat the address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  return [error.name, code, responseCode].filter((part) => part !== undefined).join(' ');
}

/** Sends mails as they come, until stopped. */
export function startMailSender(options: Options): Loop {
  return startLoop(async (signal) => {
    const cut = new AbortController();
    signal.addEventListener('abort', () => setTimeout(() => cut.abort(), GRACE_MS), { once: true });
    while (!signal.aborted) {
      const count = await sendDueMails(options, cut.signal).catch((err: unknown) => {
        if (!isUnavailable(err)) options.log.error({ err }, 'mails could not be looked up');
        return 0;
      });
      if (count < BATCH) await pause(options.pollMs ?? POLL_MS, signal);
    }
  });
}
