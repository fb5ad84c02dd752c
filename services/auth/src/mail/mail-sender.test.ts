import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { eventually } from '@tertulia/shared/testing/eventually';
import { eq } from 'drizzle-orm';
import { mails, users } from '../db/schema.ts';
import { deriveSecrets } from '../keys/secret.ts';
import { createTestApp } from '../test-app.ts';
import { addressOf, type Mailbox, openMailbox, startSender, tokenIn } from '../testing/mailbox.ts';
import { MAX_ATTEMPTS, mailSenderOptions, sendDueMails } from './mail-sender.ts';
import { type Mail, sendMail } from './send-mail.ts';
import { openTransport } from './transport.ts';

let mailbox: Mailbox;
beforeAll(async () => {
  mailbox = await openMailbox();
});
afterAll(() => mailbox.close());

const letter = (to: string): Mail<'password_changed'> => ({
  to,
  locale: 'en',
  template: 'password_changed',
  parameters: { username: 'ana' },
});

async function open(settings: Record<string, string> = { SMTP_URL: mailbox.url }) {
  const auth = await createTestApp(settings);
  const { db } = auth.database;
  return {
    ...auth,
    db,
    counts: auth.deps.mailCounts,
    options: mailSenderOptions(auth.deps, openTransport(auth.env, auth.deps.log)),
    write: (mail: Mail) => sendMail(db, auth.deps.secrets.mails, mail),
    waiting: () => db.select().from(mails),
    /** Makes every mail due, as if its pause were over. */
    hurry: () => db.update(mails).set({ dueAt: new Date(0) }),
  };
}

describe('the mail sender', () => {
  test('sends text and HTML, with the headers of a machine, in the user’s language', async () => {
    const own = await open({ SMTP_URL: mailbox.url, MAIL_FROM: 'Tertulia <hello@tertulia.example>' });
    await own.write({ ...letter('ana@example.org'), locale: 'es' });
    expect(await sendDueMails(own.options)).toBe(1);
    const mail = await mailbox.wait('ana@example.org', /contraseña/);
    expect(mail.from?.value[0]).toEqual({ name: 'Tertulia', address: 'hello@tertulia.example' });
    expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
    expect(mail.headers.get('content-language')).toBe('es');
    expect(mail.messageId).toMatch(/^<[0-9a-f-]{36}@tertulia\.example>$/);
    expect(mail.text).toContain('Hola, @ana');
    expect(mail.html).toContain('<html lang="es">');
    expect(await own.waiting()).toHaveLength(0);
    await own.close();
  });

  test('what is rolled back is not sent, and what waits cannot be read', async () => {
    const own = await open();
    const { db } = own;
    const failing = db.transaction(async (tx) => {
      await sendMail(tx, own.deps.secrets.mails, letter('rolled-back@example.org'));
      throw new Error('rolled back');
    });
    await failing.catch(() => undefined);
    await own.write(letter('waiting@example.org'));
    const rows = await own.waiting();
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain('waiting@');
    await own.close();
  });

  test('waits for a server that is down, and sends once it is back, after a restart too', async () => {
    const down = await openMailbox();
    const own = await open({ SMTP_URL: down.url });
    await down.down();
    await own.write(letter('patient@example.org'));
    const before = startSender(own);
    await eventually(() => own.counts.failed > 0);
    await before.stop();
    await down.up();
    const after = startSender(own);
    await down.wait('patient@example.org', /password/);
    await eventually(() => own.counts.sent === 1);
    await after.stop();
    expect(down.mails).toHaveLength(1);
    await own.close();
    await down.close();
  });

  test('nobody notices at the API: the same answers, to accounts that exist and to others', async () => {
    const down = await openMailbox();
    await down.down();
    const own = await open({ SMTP_URL: down.url });
    const user = await own.signUp();
    const loop = startSender(own);
    await eventually(() => own.counts.failed > 0);
    for (const path of ['/auth/password/forgot', '/auth/email/verify/resend']) {
      const answers = [];
      for (const email of [user.email, 'nobody@example.org']) {
        const { status, body, headers } = await own.call('POST', path, { body: { email } });
        answers.push({ status, body, names: [...headers.keys()].sort() });
      }
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]?.status).toBe(202);
    }
    const { email, password } = user;
    expect((await own.call('POST', '/auth/login', { body: { email, password } })).status).toBe(200);
    await down.up();
    await own.hurry();
    await down.wait(email, /new password/);
    await loop.stop();
    await own.close();
    await down.close();
  });

  test('a link’s half hour begins when the mail goes out', async () => {
    const own = await open();
    const user = await own.signUp();
    // The mail of the registration has waited for a day.
    await own.hurry();
    await sendDueMails(own.options);
    const token = tokenIn(await mailbox.wait(user.email, /Confirm/));
    expect((await own.call('POST', '/auth/email/verify', { body: { token } })).status).toBe(204);
    await own.close();
  });

  test('two replicas send each mail once', async () => {
    const own = await open();
    const to = Array.from({ length: 60 }, (_, n) => `shared${n}@example.org`);
    for (const address of to) await own.write(letter(address));
    const loops = [startSender(own), startSender(own)];
    await eventually(async () => (await own.waiting()).length === 0);
    await Promise.all(loops.map((loop) => loop.stop()));
    const sent = mailbox.mails.map(addressOf).filter((address) => address?.startsWith('shared'));
    expect(sent.sort()).toEqual(to.sort());
    await own.close();
  });

  test('a mail whose sender died with it is sent by another, when its lease is over', async () => {
    const own = await open();
    await own.write(letter('leased@example.org'));
    const { promise: never } = Promise.withResolvers<void>();
    const dying = { ...own.options, transport: { discards: false, deliver: () => never } };
    void sendDueMails(dying);
    await eventually(async () => (await own.waiting())[0]?.attempts === 1);
    expect(await sendDueMails(own.options)).toBe(0);
    await own.hurry();
    expect(await sendDueMails(own.options)).toBe(1);
    expect(mailbox.to('leased@example.org')).toHaveLength(1);
    await own.close();
  });

  test('gives up after so many tries, each later than the one before', async () => {
    const own = await open({ SMTP_URL: 'smtp://127.0.0.1:1' });
    await own.write(letter('nowhere@example.org'));
    const pauses: number[] = [];
    for (let n = 1; n < MAX_ATTEMPTS; n++) {
      await own.hurry();
      await sendDueMails(own.options);
      const [row] = await own.waiting();
      pauses.push(Math.round(((row?.dueAt.getTime() ?? 0) - Date.now()) / 1000));
    }
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses.at(-1)).toBeLessThanOrEqual(900);
    await own.hurry();
    await sendDueMails(own.options);
    expect(await own.waiting()).toHaveLength(0);
    expect(own.counts).toMatchObject({ sent: 0, failed: MAX_ATTEMPTS - 1, dropped: 1 });
    await own.close();
  });

  test('a mailbox that does not exist is not tried again; the others get theirs', async () => {
    const own = await open();
    mailbox.unknown.add('gone@example.org');
    await own.write(letter('gone@example.org'));
    await own.write(letter('there@example.org'));
    await sendDueMails(own.options);
    expect(own.counts).toMatchObject({ sent: 1, dropped: 1 });
    expect(await own.waiting()).toHaveLength(0);
    await own.close();
  });

  test('what was sealed with another secret is dropped', async () => {
    const own = await open();
    const { mails: key } = await deriveSecrets('another secret, of more than 32 characters');
    await sendMail(own.db, key, letter('sealed@example.org'));
    await sendDueMails(own.options);
    expect(own.counts).toMatchObject({ sent: 0, dropped: 1 });
    await own.close();
  });

  test('an account that is gone gets nothing', async () => {
    const own = await open();
    const user = await own.signUp();
    await own.call('POST', '/auth/password/forgot', { body: { email: user.email } });
    await own.db.delete(users).where(eq(users.id, user.id));
    const before = mailbox.mails.length;
    await sendDueMails(own.options);
    expect(own.counts).toMatchObject({ sent: 0, unwanted: 2 });
    expect(mailbox.mails).toHaveLength(before);
    await own.close();
  });
});

describe('without SMTP_URL', () => {
  test('production throws mails away, and counts them', async () => {
    const own = await open({});
    await own.write(letter('lost@example.org'));
    const transport = openTransport({ ...own.env, NODE_ENV: 'production' }, own.deps.log);
    await sendDueMails({ ...own.options, transport });
    expect(own.counts).toMatchObject({ sent: 0, discarded: 1 });
    const metrics = (await own.call('GET', '/metrics')).body;
    expect(metrics).toMatch(/mails_total\{outcome="discarded",service="auth"\} 1/);
    expect(metrics).toMatch(/mails_waiting\{service="auth"\} 0/);
    await own.close();
  });

  test('development shows them in the log', async () => {
    const own = await open({});
    const shown: unknown[] = [];
    const log = { warn: (fields: unknown) => shown.push(fields) } as unknown as typeof own.deps.log;
    await own.write(letter('dev@example.org'));
    await sendDueMails({ ...own.options, transport: openTransport(own.env, log) });
    expect(shown).toEqual([expect.objectContaining({ to: 'dev@example.org', text: expect.any(String) })]);
    await own.close();
  });
});
