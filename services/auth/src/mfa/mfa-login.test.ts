import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { outbox } from '@tertulia/shared/events/tables';
import { eventually } from '@tertulia/shared/testing/eventually';
import { and, eq } from 'drizzle-orm';
import { auditEvents, oneTimeTokens, sessions, totpFactors, users } from '../db/schema.ts';
import { createTestApp } from '../test-app.ts';
import { type Auth, codeOf, enrol, mfaTokenOf, wrongCodeOf } from './testing.ts';

let auth: Auth;
beforeAll(async () => {
  auth = await createTestApp();
});
afterAll(() => auth.close());

const finish = (mfaToken: string, code: string, headers?: Record<string, string>, on = auth) =>
  on.call('POST', '/auth/login/mfa', { body: { mfaToken, code }, ...(headers && { headers }) });
const mfaTokens = (userId: string) =>
  auth.database.db
    .select()
    .from(oneTimeTokens)
    .where(and(eq(oneTimeTokens.userId, userId), eq(oneTimeTokens.purpose, 'mfa')));
const audited = async (userId: string) =>
  (await auth.database.db.select().from(auditEvents).where(eq(auditEvents.userId, userId))).map(
    ({ action }) => action,
  );

async function enrolled(on = auth) {
  const user = await on.signUp();
  return { user, ...(await enrol(on, user)) };
}

describe('POST /auth/login with a second factor', () => {
  test('403 with a token for the next step, and no session', async () => {
    const { user } = await enrolled();
    const { email, password } = user;
    const before = await auth.database.db.$count(sessions, eq(sessions.userId, user.id));
    const { status, body, headers } = await auth.call('POST', '/auth/login', { body: { email, password } });
    expect([status, body.code]).toEqual([403, 'mfa_required']);
    expect(body.mfaToken).toMatch(/^[\w-]{43}$/);
    expect(body.expiresIn).toBe(600);
    expect(body).not.toHaveProperty('accessToken');
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(await auth.database.db.$count(sessions, eq(sessions.userId, user.id))).toBe(before);
    const rows = await mfaTokens(user.id);
    expect(JSON.stringify(rows)).not.toContain(body.mfaToken);
  });

  test('a wrong password tells nothing of it', async () => {
    const { user } = await enrolled();
    const body = { email: user.email, password: 'not the password' };
    const refused = await auth.call('POST', '/auth/login', { body });
    expect([refused.status, refused.body.code]).toEqual([401, 'invalid_credentials']);
  });

  test('of many that are begun, five wait', async () => {
    const { user, secret } = await enrolled();
    const tokens: string[] = [];
    for (let n = 0; n < 7; n++) tokens.push(await mfaTokenOf(auth, user));
    expect(await mfaTokens(user.id)).toHaveLength(5);
    const forgotten = await finish(tokens[0] ?? '', codeOf(secret));
    expect([forgotten.status, forgotten.body.code]).toEqual([400, 'invalid_token']);
    expect((await finish(tokens[6] ?? '', codeOf(secret))).status).toBe(200);
  });
});

describe('POST /auth/login/mfa', () => {
  test('200 like any sign-in; the session is marked', async () => {
    const { user, secret } = await enrolled();
    const { status, body, headers } = await finish(await mfaTokenOf(auth, user), codeOf(secret));
    expect(status).toBe(200);
    expect(body).toMatchObject({ tokenType: 'Bearer', user: { id: user.id } });
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(headers.get('Set-Cookie')).toContain('__Host-device=');
    const as = { token: body.accessToken };
    expect((await auth.call('GET', '/auth/profile', { as })).status).toBe(200);
    const refreshed = await auth.call('POST', '/auth/refresh', { body: { refreshToken: body.refreshToken } });
    expect(refreshed.status).toBe(200);
    const [newest] = (
      await auth.database.db.select().from(sessions).where(eq(sessions.userId, user.id))
    ).slice(-1);
    expect(newest?.mfa).toBe(true);
    expect(await audited(user.id)).toContain('login.succeeded');
  });

  test('honours X-Refresh-Cookie, for allowed origins alone', async () => {
    const { user, secret } = await enrolled();
    const mfaToken = await mfaTokenOf(auth, user);
    const cookie = { 'X-Refresh-Cookie': '1' };
    const foreign = await finish(mfaToken, codeOf(secret), { ...cookie, Origin: 'https://evil.example' });
    expect([foreign.status, foreign.body.code]).toEqual([403, 'origin_not_allowed']);
    const own = await finish(mfaToken, codeOf(secret), { ...cookie, Origin: 'http://localhost:8080' });
    expect(own.status).toBe(200);
    expect(own.body).not.toHaveProperty('refreshToken');
    expect(own.headers.getSetCookie().join()).toContain('__Host-refresh=');
  });

  test('a token works once, twenty at once or one after another', async () => {
    const { user, recoveryCodes } = await enrolled();
    const mfaToken = await mfaTokenOf(auth, user);
    const answers = await Promise.all(recoveryCodes.map((code) => finish(mfaToken, code)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(400)]);
    expect((await finish(mfaToken, recoveryCodes[1] ?? '')).status).toBe(400);
    // What came too late has used no code up.
    const as = { token: answers.find(({ status }) => status === 200)?.body.accessToken };
    expect((await auth.call('GET', '/auth/mfa', { as })).body.recoveryCodesLeft).toBe(9);
  });

  test('a code of the moment works once, and so none that is older', async () => {
    const { user, secret } = await enrolled();
    const [one, two, three] = [
      await mfaTokenOf(auth, user),
      await mfaTokenOf(auth, user),
      await mfaTokenOf(auth, user),
    ];
    const code = codeOf(secret);
    expect((await finish(one, code)).status).toBe(200);
    const replayed = await finish(two, code);
    expect([replayed.status, replayed.body.code]).toEqual([401, 'invalid_code']);
    expect((await finish(three, codeOf(secret, -1))).status).toBe(401);
  });

  test('twenty at once with one code of the moment, each with a token of its own: one signs in', async () => {
    const { user, secret } = await enrolled();
    const tokens: string[] = [];
    for (let n = 0; n < 5; n++) tokens.push(await mfaTokenOf(auth, user));
    const code = codeOf(secret);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => finish(tokens[n % tokens.length] ?? '', code)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('a recovery code works once, twenty at once; however it is typed; and is audited', async () => {
    const { user, recoveryCodes } = await enrolled();
    const tokens: string[] = [];
    for (let n = 0; n < 5; n++) tokens.push(await mfaTokenOf(auth, user));
    const code = recoveryCodes[0] ?? '';
    const typed = ` ${code.toLowerCase().replace('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        finish(tokens[n % tokens.length] ?? '', n % 2 === 0 ? code : typed),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await audited(user.id)).filter((action) => action === 'mfa.recovery_code_used')).toHaveLength(1);
  });

  test("somebody else's code is wrong", async () => {
    const [a, b] = [await enrolled(), await enrolled()];
    const mfaToken = await mfaTokenOf(auth, a.user);
    expect((await finish(mfaToken, b.recoveryCodes[0] ?? '')).status).toBe(401);
    expect((await finish(mfaToken, a.recoveryCodes[0] ?? '')).status).toBe(200);
  });

  test('after five wrong codes it is the password again', async () => {
    const { user, secret } = await enrolled();
    const mfaToken = await mfaTokenOf(auth, user);
    for (let n = 0; n < 5; n++) {
      const wrong = await finish(mfaToken, wrongCodeOf(secret));
      expect([wrong.status, wrong.body.code]).toEqual([401, 'invalid_code']);
    }
    expect((await finish(mfaToken, codeOf(secret))).status).toBe(400);
    expect((await finish(await mfaTokenOf(auth, user), codeOf(secret))).status).toBe(200);
    expect((await audited(user.id)).filter((action) => action === 'mfa.failed')).toHaveLength(5);
  });

  test('an old token is refused', async () => {
    const { user, secret } = await enrolled();
    const mfaToken = await mfaTokenOf(auth, user);
    await auth.database.db
      .update(oneTimeTokens)
      .set({ expiresAt: new Date(Date.now() - 1) })
      .where(eq(oneTimeTokens.userId, user.id));
    expect((await finish(mfaToken, codeOf(secret))).status).toBe(400);
  });

  test('who was suspended in between does not get in, and keeps the recovery code', async () => {
    const { user, recoveryCodes } = await enrolled();
    const mfaToken = await mfaTokenOf(auth, user);
    const suspend = (suspendedAt: Date | null) =>
      auth.database.db.update(users).set({ suspendedAt }).where(eq(users.id, user.id));
    await suspend(new Date());
    const refused = await finish(mfaToken, recoveryCodes[0] ?? '');
    expect([refused.status, refused.body.code]).toEqual([403, 'account_suspended']);
    await suspend(null);
    expect((await finish(mfaToken, recoveryCodes[0] ?? '')).status).toBe(200);
  });

  test('so long as the factor is not confirmed it asks nothing', async () => {
    const user = await auth.signUp();
    const { email, password } = user;
    await auth.call('POST', '/auth/mfa/totp', { as: user, body: { password } });
    expect(await auth.database.db.$count(totpFactors, eq(totpFactors.userId, user.id))).toBe(1);
    expect((await auth.call('POST', '/auth/login', { body: { email, password } })).status).toBe(200);
  });

  test('400 for a token that is none, 422 for half of it, 401 for a code of another kind', async () => {
    const { user } = await enrolled();
    expect((await finish('x'.repeat(43), '123456')).status).toBe(400);
    expect((await finish(user.refreshToken, '123456')).status).toBe(400);
    expect((await auth.call('POST', '/auth/login/mfa', { body: { code: '1' } })).status).toBe(422);
    const mfaToken = await mfaTokenOf(auth, user);
    for (const code of ['\0', '٣٤٥٦٧٨', "' or 1=1 --", 'x'.repeat(32)]) {
      expect((await finish(mfaToken, code)).status).toBeOneOf([400, 401]);
    }
    expect((await finish(mfaToken, 'x'.repeat(33))).status).toBe(422);
    expect((await auth.call('GET', '/auth/profile', { as: { token: mfaToken } })).status).toBe(401);
  });
});

describe('wrong codes', () => {
  test('are limited per account, in parallel too, and not for ever; the user hears of it', async () => {
    const settings = {
      RATE_LIMIT_SCALE: '1',
      MFA_FAILURES_PER_ACCOUNT: '4',
      LOGIN_WINDOW_SECONDS: '3',
      REGISTRATIONS_PER_HOUR: '10',
    };
    const strict = await createTestApp(settings);
    const { user, secret, recoveryCodes } = await enrolled(strict);
    const [one, two] = [await mfaTokenOf(strict, user), await mfaTokenOf(strict, user)];
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => finish(n % 2 === 0 ? one : two, wrongCodeOf(secret), {}, strict)),
    );
    const limited = answers.filter(({ status }) => status === 429);
    expect(limited.length).toBeGreaterThanOrEqual(8);
    expect(Number(limited[0]?.headers.get('Retry-After'))).toBeWithin(1, 4);
    // The right one has to wait as well.
    await eventually(async () => {
      const { status } = await finish(one, recoveryCodes[0] ?? '', {}, strict);
      expect(status).toBeOneOf([200, 429]);
      return status === 200;
    });
    const told = (await strict.database.db.select().from(outbox))
      .map(({ envelope }) => JSON.parse(envelope))
      .filter(({ type }) => type === 'login.failed');
    expect(told.length).toBeGreaterThanOrEqual(1);
    expect(told[0].data).toMatchObject({ userId: user.id });
    await strict.close();
  });

  test('right codes use nothing up', async () => {
    const strict = await createTestApp({ RATE_LIMIT_SCALE: '1', MFA_FAILURES_PER_ACCOUNT: '1' });
    const { user, recoveryCodes } = await enrolled(strict);
    for (const code of recoveryCodes.slice(0, 4)) {
      expect((await finish(await mfaTokenOf(strict, user), code, {}, strict)).status).toBe(200);
    }
    await strict.close();
  });
});
