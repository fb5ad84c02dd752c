import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { outbox } from '@tertulia/shared/events/tables';
import type { Loop } from '@tertulia/shared/runtime/loop';
import { eventually } from '@tertulia/shared/testing/eventually';
import { and, eq, like } from 'drizzle-orm';
import { auditEvents, knownDevices, mails, oneTimeTokens, users } from '../db/schema.ts';
import { createTestApp } from '../test-app.ts';
import { type Mailbox, openMailbox, startSender, tokenIn } from '../testing/mailbox.ts';

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

const login = (email: string, password: string) =>
  auth.call('POST', '/auth/login', { body: { email, password } });
const refresh = (refreshToken: string) => auth.call('POST', '/auth/refresh', { body: { refreshToken } });
const actionsOf = async (userId: string) =>
  (await auth.database.db.select().from(auditEvents).where(eq(auditEvents.userId, userId))).map(
    ({ action }) => action,
  );
const NEW = 'an entirely new one';

describe('PUT /auth/password', () => {
  const change = (as: { token: string } | undefined, currentPassword: string, newPassword: string) =>
    auth.call('PUT', '/auth/password', {
      ...(as && { as }),
      body: { currentPassword, newPassword },
    });

  test('204: the other sessions are over, this one goes on; event, audit and mail', async () => {
    const user = await auth.signUp();
    const elsewhere = (await login(user.email, user.password)).body;
    expect((await change(user, user.password, NEW)).status).toBe(204);
    expect((await refresh(elsewhere.refreshToken)).status).toBe(401);
    expect((await refresh(user.refreshToken)).status).toBe(200);
    expect((await login(user.email, user.password)).status).toBe(401);
    expect((await login(user.email, NEW)).status).toBe(200);
    const told = and(eq(outbox.subject, `user:${user.id}`), like(outbox.envelope, '%user.password_changed%'));
    expect(await auth.database.db.$count(outbox, told)).toBe(1);
    expect(await actionsOf(user.id)).toContain('password.changed');
    await mailbox.wait(user.email, /password was changed/);
  });

  test('outdates every access token, the caller’s own too', async () => {
    const user = await auth.signUp();
    await change(user, user.password, NEW);
    const { body } = await refresh(user.refreshToken);
    const generation = JSON.parse(Buffer.from(body.accessToken.split('.')[1], 'base64url').toString()).ver;
    expect(generation).toBe(1);
    await eventually(async () => (await auth.call('GET', '/auth/profile', { as: user })).status === 401);
  });

  test('401 for a wrong current password; nothing changes', async () => {
    const user = await auth.signUp();
    const wrong = await change(user, 'not this one', NEW);
    expect([wrong.status, wrong.body.code]).toEqual([401, 'invalid_credentials']);
    expect((await login(user.email, user.password)).status).toBe(200);
  });

  test('of ten at once that know the same password, one wins', async () => {
    const user = await auth.signUp();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => change(user, user.password, `chosen in call ${n}`)),
    );
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    const winner = answers.findIndex(({ status }) => status === 204);
    expect((await login(user.email, `chosen in call ${winner}`)).status).toBe(200);
  });

  test('422 for a common one and for one’s own name; 401 without a token', async () => {
    const user = await auth.signUp();
    for (const password of ['password1', user.email, 'short']) {
      const { status, body } = await change(user, user.password, password);
      expect([status, body.errors[0].path]).toEqual([422, 'newPassword']);
    }
    expect((await change(undefined, 'whatever', NEW)).status).toBe(401);
  });
});

describe('a forgotten password', () => {
  const forgot = (email: string) => auth.call('POST', '/auth/password/forgot', { body: { email } });
  const reset = (token: string, password: string, headers: Record<string, string> = {}) =>
    auth.call('POST', '/auth/password/reset', { body: { token, password }, headers });

  /** Asks, and takes the token from the mail. */
  async function askFor(email: string): Promise<string> {
    const before = mailbox.to(email).length;
    expect((await forgot(email)).status).toBe(202);
    return tokenIn(await eventually(() => mailbox.to(email).slice(before).at(-1)));
  }

  test('is replaced by the link of a mail: every session ends; event, audit, mail', async () => {
    const user = await auth.signUp();
    await mailbox.wait(user.email, /Confirm/);
    const token = await askFor(user.email);
    expect((await reset(token, NEW)).status).toBe(204);
    expect((await refresh(user.refreshToken)).status).toBe(401);
    expect((await login(user.email, user.password)).status).toBe(401);
    expect((await login(user.email, NEW)).body.user.emailVerified).toBe(true);
    expect(await actionsOf(user.id)).toEqual(
      expect.arrayContaining(['password.reset_requested', 'password.reset', 'session.revoked']),
    );
    const told = and(eq(outbox.subject, `user:${user.id}`), like(outbox.envelope, '%"by":"reset"%'));
    expect(await auth.database.db.$count(outbox, told)).toBe(1);
    await mailbox.wait(user.email, /password was changed/);
  });

  test('the link works once, of ten calls at once too; only its hash is kept', async () => {
    const user = await auth.signUp();
    await mailbox.wait(user.email, /Confirm/);
    const token = await askFor(user.email);
    const rows = await auth.database.db.select().from(oneTimeTokens).where(eq(oneTimeTokens.userId, user.id));
    expect(JSON.stringify(rows)).not.toContain(token);
    const minutes = rows.map(({ expiresAt, createdAt }) => (+expiresAt - +createdAt) / 60_000);
    for (const life of minutes) expect(life).toBeCloseTo(30, 0);
    const answers = await Promise.all(Array.from({ length: 10 }, () => reset(token, NEW)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(400)]);
    expect((await reset(token, 'and another one')).body.code).toBe('invalid_token');
  });

  test('a link is dead after a newer one, after a change of the password, and after its time', async () => {
    const user = await auth.signUp();
    await mailbox.wait(user.email, /Confirm/);
    const first = await askFor(user.email);
    const second = await askFor(user.email);
    expect((await reset(first, NEW)).status).toBe(400);
    const body = { currentPassword: user.password, newPassword: NEW };
    expect((await auth.call('PUT', '/auth/password', { as: user, body })).status).toBe(204);
    await mailbox.wait(user.email, /password was changed/);
    expect((await reset(second, 'something else again')).status).toBe(400);
    const third = await askFor(user.email);
    await auth.database.db
      .update(oneTimeTokens)
      .set({ expiresAt: new Date(Date.now() - 1) })
      .where(eq(oneTimeTokens.userId, user.id));
    expect((await reset(third, 'something else again')).status).toBe(400);
  });

  test('a refused password leaves the link usable', async () => {
    const user = await auth.signUp();
    await mailbox.wait(user.email, /Confirm/);
    const token = await askFor(user.email);
    for (const password of ['password1', user.email]) {
      const { status, body } = await reset(token, password);
      expect([status, body.errors[0].path]).toEqual([422, 'password']);
    }
    expect((await reset(token, NEW)).status).toBe(204);
  });

  test('other devices are strangers after it, and this one is known', async () => {
    const user = await auth.signUp();
    await login(user.email, user.password);
    await mailbox.wait(user.email, /Confirm/);
    const answer = await reset(await askFor(user.email), NEW);
    const devices = await auth.database.db
      .select()
      .from(knownDevices)
      .where(eq(knownDevices.userId, user.id));
    expect(devices).toHaveLength(1);
    expect(answer.headers.get('Set-Cookie')).toStartWith('__Host-device=');
    expect(answer.headers.get('X-Device-Token')).toMatch(/^[\w-]{43}$/);
  });

  test('400 for nonsense and for tokens of another kind, 422 for what is none', async () => {
    const user = await auth.signUp();
    const verification = tokenIn(await mailbox.wait(user.email, /Confirm/));
    for (const token of ['nonsense', verification, user.token, user.refreshToken.slice(0, 43)]) {
      const { status } = await reset(token, NEW);
      expect(status).toBeOneOf([400, 422]);
    }
    expect((await reset('', NEW)).status).toBe(422);
    expect((await login(user.email, user.password)).status).toBe(200);
  });

  test('the same 202 whether there is such an account; nobody else gets a mail', async () => {
    const user = await auth.signUp();
    const [known, unknown] = [await forgot(user.email), await forgot('nobody@example.org')];
    for (const answer of [known, unknown]) {
      expect(answer.status).toBe(202);
      expect(answer.body).toBe('');
    }
    expect([...known.headers.keys()].sort()).toEqual([...unknown.headers.keys()].sort());
    await mailbox.wait(user.email, /new password/);
    await eventually(() => auth.deps.mailCounts.unwanted > 0);
    expect(mailbox.to('nobody@example.org')).toHaveLength(0);
  });
});

test('mails for one account are bounded in silence, and requests from one address with a 429', async () => {
  const own = await createTestApp({
    SMTP_URL: mailbox.url,
    RATE_LIMIT_SCALE: '1',
    MAILS_PER_ACCOUNT_PER_HOUR: '2',
    MAILS_PER_ADDRESS_PER_HOUR: '4',
  });
  const user = await own.signUp();
  const email = `bounded-${user.email}`;
  await own.database.db.update(users).set({ email, emailKey: email }).where(eq(users.id, user.id));
  const forgot = () => own.call('POST', '/auth/password/forgot', { body: { email } });
  for (let n = 0; n < 4; n++) expect((await forgot()).status).toBe(202);
  const refused = await forgot();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('Retry-After'))).toBeLessThanOrEqual(3600);
  expect(refused.headers.get('RateLimit-Limit')).toBe('4');
  const loop = startSender(own);
  // Everything that waited; the registration's mail is for an address that is no longer the account's.
  await eventually(async () => (await own.database.db.$count(mails)) === 0);
  await loop.stop();
  expect(mailbox.to(email)).toHaveLength(2);
  await own.close();
});

test('a hash made with older parameters is made anew at sign-in, also by two at once', async () => {
  const user = await auth.signUp();
  const weak = { algorithm: 'argon2id', memoryCost: 512, timeCost: 1 } as const;
  const passwordHash = await Bun.password.hash(user.password, weak);
  await auth.database.db.update(users).set({ passwordHash }).where(eq(users.id, user.id));
  expect((await login(user.email, 'not this one')).status).toBe(401);
  const answers = await Promise.all([login(user.email, user.password), login(user.email, user.password)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const [row] = await auth.database.db.select().from(users).where(eq(users.id, user.id));
  expect(row?.passwordHash).toStartWith('$argon2id$v=19$m=1024,t=1,p=1$');
  expect((await login(user.email, user.password)).status).toBe(200);
});
