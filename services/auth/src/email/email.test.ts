import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Loop } from '@tertulia/shared/runtime/loop';
import { eventually } from '@tertulia/shared/testing/eventually';
import { eq } from 'drizzle-orm';
import { auditEvents, auditPersonal, oneTimeTokens } from '../db/schema.ts';
import { createTestApp } from '../test-app.ts';
import { type Mailbox, openMailbox, startSender, tokenIn } from '../testing/mailbox.ts';
import { sweepTokens } from './one-time-tokens.ts';

let mailbox: Mailbox;
let auth: Awaited<ReturnType<typeof createTestApp>>;
let sender: Loop;
beforeAll(async () => {
  mailbox = await openMailbox();
  auth = await createTestApp({ SMTP_URL: mailbox.url });
  sender = startSender(auth);
});
afterAll(async () => {
  await sender.stop();
  await auth.close();
  await mailbox.close();
});

const verify = (token: string) => auth.call('POST', '/auth/email/verify', { body: { token } });
const profile = async (as: { token: string }) => (await auth.call('GET', '/auth/profile', { as })).body;

describe('POST /auth/email/verify', () => {
  test('204 with the link that a new account gets; it works once', async () => {
    const user = await auth.signUp();
    expect((await profile(user)).emailVerified).toBe(false);
    const token = tokenIn(await mailbox.wait(user.email, /Confirm your e-mail/));
    const answers = await Promise.all(Array.from({ length: 5 }, () => verify(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 400, 400, 400, 400]);
    expect((await profile(user)).emailVerified).toBe(true);
    const rows = await auth.database.db.select().from(auditEvents).where(eq(auditEvents.userId, user.id));
    expect(rows.map(({ action }) => action)).toContain('email.verified');
  });

  test('400 for nonsense, 422 for nothing', async () => {
    expect((await verify('nonsense')).body.code).toBe('invalid_token');
    expect((await verify('\0')).status).toBe(400);
    expect((await verify('x'.repeat(300))).status).toBe(422);
    expect((await auth.call('POST', '/auth/email/verify', { body: {} })).status).toBe(422);
  });
});

describe('POST /auth/email/verify/resend', () => {
  const resend = (body: unknown, as?: { token: string }) =>
    auth.call('POST', '/auth/email/verify/resend', {
      ...(as && { as }),
      ...(body !== undefined && { body }),
    });

  test('202: a new link, and the old one is dead', async () => {
    const user = await auth.signUp();
    const first = tokenIn(await mailbox.wait(user.email, /Confirm/));
    expect((await resend({ email: user.email })).status).toBe(202);
    const second = tokenIn(await eventually(() => mailbox.to(user.email)[1]));
    expect((await verify(first)).status).toBe(400);
    expect((await resend(undefined, user)).status).toBe(202);
    const third = tokenIn(await eventually(() => mailbox.to(user.email)[2]));
    expect((await verify(second)).status).toBe(400);
    expect((await verify(third)).status).toBe(204);
  });

  test('the same 202 for unknown addresses and for confirmed ones, without a mail', async () => {
    const user = await auth.signUp();
    await verify(tokenIn(await mailbox.wait(user.email, /Confirm/)));
    const before = auth.deps.mailCounts.unwanted;
    for (const email of [user.email, 'nobody@example.org']) {
      const { status, body } = await resend({ email });
      expect([status, body]).toEqual([202, '']);
    }
    await eventually(() => auth.deps.mailCounts.unwanted === before + 2);
    expect(mailbox.to(user.email)).toHaveLength(1);
    expect(mailbox.to('nobody@example.org')).toHaveLength(0);
  });

  test('422 when nobody says who it is for, 401 with a bad token', async () => {
    expect((await resend({})).body.errors[0].path).toBe('email');
    expect((await resend(undefined)).status).toBe(422);
    expect((await resend({}, { token: 'a.b.c' })).status).toBe(401);
  });
});

describe('POST /auth/email/change', () => {
  const change = (as: { token: string }, email: string, password: string) =>
    auth.call('POST', '/auth/email/change', { as, body: { email, password } });

  test('202; the link to the new address makes it the account’s, and the old one is told', async () => {
    const user = await auth.signUp();
    await mailbox.wait(user.email, /Confirm your e-mail/);
    const email = `new-${user.email}`;
    expect((await change(user, email, user.password)).status).toBe(202);
    const old = await mailbox.wait(user.email, /about to change/);
    expect(old.text).toContain(email);
    expect(tokenIn(old)).toBe('');
    const link = await mailbox.wait(email, /Confirm your new/);
    expect((await profile(user)).email).toBe(user.email);
    expect((await verify(tokenIn(link))).status).toBe(204);
    expect(await profile(user)).toMatchObject({ email, emailVerified: true });
    await mailbox.wait(user.email, /was changed/);
    const login = (address: string) =>
      auth.call('POST', '/auth/login', { body: { email: address, password: user.password } });
    expect((await login(user.email)).status).toBe(401);
    expect((await login(email)).status).toBe(200);
  });

  test('addresses are in the part of the audit that can be erased, alone', async () => {
    const user = await auth.signUp();
    const email = `audited-${user.email}`;
    await change(user, email, user.password);
    await verify(tokenIn(await mailbox.wait(email, /Confirm your new/)));
    const rows = await auth.database.db.select().from(auditEvents).where(eq(auditEvents.userId, user.id));
    expect(rows.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['email.change_requested', 'email.changed']),
    );
    expect(JSON.stringify(rows)).not.toContain('example.org');
    const personal = await auth.database.db
      .select()
      .from(auditPersonal)
      .where(eq(auditPersonal.userId, user.id));
    expect(personal.map((row) => row.email)).toContain(email);
  });

  test('an address that somebody has gets no mail, and the answer does not tell', async () => {
    const [user, other] = [await auth.signUp(), await auth.signUp()];
    const before = auth.deps.mailCounts.unwanted;
    expect((await change(user, other.email, user.password)).status).toBe(202);
    await mailbox.wait(user.email, /about to change/);
    await eventually(() => auth.deps.mailCounts.unwanted > before);
    expect(mailbox.to(other.email).filter(({ subject }) => /new e-mail/.test(subject ?? ''))).toHaveLength(0);
  });

  test('409 when somebody took the address meanwhile', async () => {
    const user = await auth.signUp();
    const email = `contested-${user.email}`;
    await change(user, email, user.password);
    const token = tokenIn(await mailbox.wait(email, /Confirm your new/));
    const body = { username: 'faster', email, password: 'correct horse battery' };
    expect((await auth.call('POST', '/auth/register', { body })).status).toBe(201);
    expect((await verify(token)).body.code).toBe('email_taken');
    expect((await profile(user)).email).toBe(user.email);
  });

  test('a newer request, and a new password, end an older link', async () => {
    const user = await auth.signUp();
    await change(user, `one-${user.email}`, user.password);
    const one = tokenIn(await mailbox.wait(`one-${user.email}`, /Confirm your new/));
    await change(user, `two-${user.email}`, user.password);
    const two = tokenIn(await mailbox.wait(`two-${user.email}`, /Confirm your new/));
    expect((await verify(one)).status).toBe(400);
    const body = { currentPassword: user.password, newPassword: 'an entirely new one' };
    expect((await auth.call('PUT', '/auth/password', { as: user, body })).status).toBe(204);
    expect((await verify(two)).status).toBe(400);
  });

  test('401 for a wrong password and without a token; 422 for one’s own address and for none', async () => {
    const user = await auth.signUp();
    expect((await change(user, 'x@example.org', 'not this one')).body.code).toBe('invalid_credentials');
    expect((await change(user, user.email.toUpperCase(), user.password)).body.errors[0].path).toBe('email');
    for (const email of ['none', 'a@example.org, b@example.org', 'a@example.org\r\nBcc: b@example.org']) {
      expect((await change(user, email, user.password)).status).toBe(422);
    }
    const body = { email: 'x@example.org', password: user.password };
    expect((await auth.call('POST', '/auth/email/change', { body })).status).toBe(401);
  });
});

test('what has run out is removed', async () => {
  const user = await auth.signUp();
  await mailbox.wait(user.email, /Confirm/);
  const own = eq(oneTimeTokens.userId, user.id);
  const { db } = auth.database;
  await sweepTokens(db);
  expect(await db.$count(oneTimeTokens, own)).toBe(1);
  await db
    .update(oneTimeTokens)
    .set({ expiresAt: new Date(0) })
    .where(own);
  await sweepTokens(db);
  expect(await db.$count(oneTimeTokens, own)).toBe(0);
});
