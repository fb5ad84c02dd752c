import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { eventually } from '@tertulia/shared/testing/eventually';
import { eq } from 'drizzle-orm';
import { auditEvents, recoveryCodes, totpFactors } from '../db/schema.ts';
import { createTestApp } from '../test-app.ts';
import { type Auth, codeOf, enrol, mailsTo, type Person, wrongCodeOf } from './testing.ts';

let auth: Auth;
beforeAll(async () => {
  auth = await createTestApp();
});
afterAll(() => auth.close());

const begin = (as: Person, password = as.password) =>
  auth.call('POST', '/auth/mfa/totp', { as, body: { password } });
const confirm = (as: Person, code: string) =>
  auth.call('POST', '/auth/mfa/totp/confirm', { as, body: { code } });
const remove = (as: Person, body: object) => auth.call('DELETE', '/auth/mfa/totp', { as, body });
const renew = (as: Person, body: object) => auth.call('POST', '/auth/mfa/recovery-codes', { as, body });
const factors = async (as: Person) => (await auth.call('GET', '/auth/mfa', { as })).body;
const audited = async (userId: string) =>
  (
    await auth.database.db
      .select()
      .from(auditEvents)
      .where(eq(auditEvents.userId, userId))
      .orderBy(auditEvents.id)
  ).map(({ action }) => action);

describe('POST /auth/mfa/totp', () => {
  test('201 with secret and URL for the app, and nothing changes yet', async () => {
    const user = await auth.signUp();
    const { status, body, headers } = await begin(user);
    expect(status).toBe(201);
    expect(headers.get('Cache-Control')).toBe('no-store');
    const url = new URL(body.otpauthUrl);
    expect([url.protocol, url.host]).toEqual(['otpauth:', 'totp']);
    expect(decodeURIComponent(url.pathname)).toBe(`/Tertulia:${user.email}`);
    expect(url.searchParams.get('secret')).toBe(body.secret);
    expect(body.secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(await factors(user)).toEqual({ totp: null, recoveryCodesLeft: 0, passkeys: 0, required: false });
    const { email, password } = user;
    expect((await auth.call('POST', '/auth/login', { body: { email, password } })).status).toBe(200);
  });

  test('the secret is sealed', async () => {
    const user = await auth.signUp();
    const { secret } = (await begin(user)).body;
    const [row] = await auth.database.db.select().from(totpFactors).where(eq(totpFactors.userId, user.id));
    expect(Buffer.from(row?.sealedSecret ?? '', 'base64url').toString('latin1')).not.toContain(secret);
  });

  test('beginning again makes another secret; the first is no good any more', async () => {
    const user = await auth.signUp();
    const [first, second] = [(await begin(user)).body.secret, (await begin(user)).body.secret];
    expect(second).not.toBe(first);
    expect((await confirm(user, codeOf(first))).status).toBe(401);
    expect((await confirm(user, codeOf(second))).status).toBe(200);
  });

  test('401 for nobody and for a wrong password, 422 for no password, 409 once it is set up', async () => {
    const user = await auth.signUp();
    expect((await auth.call('POST', '/auth/mfa/totp', { body: { password: 'x' } })).status).toBe(401);
    const wrong = await begin(user, 'not the password');
    expect([wrong.status, wrong.body.code]).toEqual([401, 'invalid_credentials']);
    expect((await auth.call('POST', '/auth/mfa/totp', { as: user, body: {} })).status).toBe(422);
    await enrol(auth, user);
    const again = await begin(user);
    expect([again.status, again.body.code]).toEqual([409, 'mfa_enrolled']);
  });
});

describe('POST /auth/mfa/totp/confirm', () => {
  test('200 with ten recovery codes, which are kept as MACs; audited and told by mail', async () => {
    const user = await auth.signUp();
    const { secret } = (await begin(user)).body;
    const { status, body, headers } = await confirm(user, codeOf(secret));
    expect(status).toBe(200);
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(new Set(body.recoveryCodes).size).toBe(10);
    for (const code of body.recoveryCodes)
      expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$/);
    const rows = await auth.database.db.select().from(recoveryCodes).where(eq(recoveryCodes.userId, user.id));
    expect(rows).toHaveLength(10);
    expect(JSON.stringify(rows)).not.toContain(body.recoveryCodes[0]);
    expect(await factors(user)).toMatchObject({
      totp: { enrolledAt: expect.any(String) },
      recoveryCodesLeft: 10,
    });
    expect(await audited(user.id)).toContain('mfa.enrolled');
    expect(await mailsTo(auth, user)).toContainEqual(
      expect.objectContaining({
        template: 'factor_changed',
        parameters: expect.objectContaining({ what: 'totp_added' }),
      }),
    );
  });

  test('the code before and the one to come are taken, those beyond are not', async () => {
    for (const steps of [-1, 1]) {
      // Again, should a step end in between.
      await eventually(async () => {
        const user = await auth.signUp();
        const { secret } = (await begin(user)).body;
        return (await confirm(user, codeOf(secret, steps))).status === 200;
      });
    }
    for (const steps of [-3, 3]) {
      const user = await auth.signUp();
      const { secret } = (await begin(user)).body;
      const refused = await confirm(user, codeOf(secret, steps));
      expect([refused.status, refused.body.code]).toEqual([401, 'invalid_code']);
    }
  });

  test('twenty at once: one set of recovery codes', async () => {
    const user = await auth.signUp();
    const { secret } = (await begin(user)).body;
    const code = codeOf(secret);
    const answers = await Promise.all(Array.from({ length: 20 }, () => confirm(user, code)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(409)]);
  });

  test('409 when nothing was begun, or too long ago; 401 for nobody; 422 for no code', async () => {
    const user = await auth.signUp();
    const early = await confirm(user, '123456');
    expect([early.status, early.body.code]).toEqual([409, 'conflict']);
    const { secret } = (await begin(user)).body;
    await auth.database.db
      .update(totpFactors)
      .set({ createdAt: new Date(Date.now() - 3_601_000) })
      .where(eq(totpFactors.userId, user.id));
    expect((await confirm(user, codeOf(secret))).status).toBe(409);
    expect((await auth.call('POST', '/auth/mfa/totp/confirm', { body: { code: '1' } })).status).toBe(401);
    expect((await auth.call('POST', '/auth/mfa/totp/confirm', { as: user, body: {} })).status).toBe(422);
  });

  test.each(['12345', '1234567', 'abcdef', '１２３４５６', ' ', '-1', '1e5', '0x1234', '\0', "' or 1=1"])(
    '401 for %p',
    async (code) => {
      const user = await auth.signUp();
      await begin(user);
      expect((await confirm(user, code)).body.code).toBe('invalid_code');
    },
  );
});

describe('DELETE /auth/mfa/totp', () => {
  test('204 with password and code: signing in takes a password alone again', async () => {
    const user = await auth.signUp();
    const { secret } = await enrol(auth, user);
    const { email, password } = user;
    expect((await remove(user, { password, code: codeOf(secret) })).status).toBe(204);
    expect((await auth.call('POST', '/auth/login', { body: { email, password } })).status).toBe(200);
    expect(await factors(user)).toMatchObject({ totp: null, recoveryCodesLeft: 0 });
    expect(await audited(user.id)).toContain('mfa.removed');
    expect((await mailsTo(auth, user)).map(({ parameters }) => parameters.what)).toContain('totp_removed');
    const { secret: other } = (await begin(user)).body;
    expect((await confirm(user, codeOf(other))).status).toBe(200);
  });

  test('a recovery code will do', async () => {
    const user = await auth.signUp();
    const { recoveryCodes: codes } = await enrol(auth, user);
    expect((await remove(user, { password: user.password, code: codes[3] })).status).toBe(204);
  });

  test('401 for a wrong password or code, 404 where there is none, 401 for nobody, 422 for half of it', async () => {
    const user = await auth.signUp();
    const { password } = user;
    const none = await remove(user, { password, code: '123456' });
    expect([none.status, none.body.code]).toEqual([404, 'not_found']);
    const { secret } = await enrol(auth, user);
    const wrong = await remove(user, { password, code: wrongCodeOf(secret) });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'invalid_code']);
    const guessed = await remove(user, { password: 'guessed', code: codeOf(secret) });
    expect([guessed.status, guessed.body.code]).toEqual([401, 'invalid_credentials']);
    expect((await remove(user, { password })).status).toBe(422);
    const nobody = await auth.call('DELETE', '/auth/mfa/totp', { body: { password, code: '1' } });
    expect(nobody.status).toBe(401);
    expect(await factors(user)).toMatchObject({ totp: { enrolledAt: expect.any(String) } });
  });
});

describe('POST /auth/mfa/recovery-codes', () => {
  test('201 with ten others; those from before are void', async () => {
    const user = await auth.signUp();
    const { secret, recoveryCodes: before } = await enrol(auth, user);
    const { password } = user;
    const { status, body } = await renew(user, { password, code: codeOf(secret) });
    expect(status).toBe(201);
    expect(body.recoveryCodes).toHaveLength(10);
    expect(body.recoveryCodes).not.toContainAnyValues(before);
    expect((await remove(user, { password, code: before[0] })).status).toBe(401);
    expect((await remove(user, { password, code: body.recoveryCodes[0] })).status).toBe(204);
    expect(await audited(user.id)).toContain('mfa.recovery_codes_made');
  });

  test('401 for a wrong code and for nobody, 404 where there is no second factor, 422 for no code', async () => {
    const user = await auth.signUp();
    const { password } = user;
    expect((await renew(user, { password, code: '123456' })).status).toBe(404);
    const { secret } = await enrol(auth, user);
    expect((await renew(user, { password, code: wrongCodeOf(secret) })).status).toBe(401);
    expect((await renew(user, { password })).status).toBe(422);
    const body = { password, code: '123456' };
    expect((await auth.call('POST', '/auth/mfa/recovery-codes', { body })).status).toBe(401);
  });
});

test('GET /auth/mfa: 401 for nobody', async () => {
  expect((await auth.call('GET', '/auth/mfa')).status).toBe(401);
});
