import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { eventually } from '@tertulia/shared/testing/eventually';
import { decodeJwt } from 'jose';
import { createTestApp } from '../test-app.ts';
import { type Auth, codeOf, enrol, mfaTokenOf, type Person } from './testing.ts';

let auth: Auth;
beforeAll(async () => {
  auth = await createTestApp({ REQUIRE_ADMIN_MFA: 'true' });
});
afterAll(() => auth.close());

const adminAct = (token: string) => auth.call('GET', '/auth/users', { as: { token } });
const refresh = async (refreshToken: string) =>
  (await auth.call('POST', '/auth/refresh', { body: { refreshToken } })).body;
const powerOf = (token: string) => {
  const { role, withheld } = decodeJwt(token);
  return { role, withheld };
};
const signIn = async ({ email, password }: Person) =>
  (await auth.call('POST', '/auth/login', { body: { email, password } })).body;

describe('REQUIRE_ADMIN_MFA', () => {
  test('an administrator without a second factor signs in, and has no power until one is set up', async () => {
    const admin = await auth.signUp('ADMIN');
    expect(powerOf(admin.token)).toEqual({ role: 'USER', withheld: 'ADMIN' });
    const refused = await adminAct(admin.token);
    expect([refused.status, refused.body.code]).toEqual([403, 'mfa_enrollment_required']);
    const rotate = await auth.call('POST', '/auth/keys/rotate', { as: admin });
    expect(rotate.body.code).toBe('mfa_enrollment_required');
    expect((await auth.call('GET', '/auth/mfa', { as: admin })).body.required).toBe(true);
    expect((await refresh(admin.refreshToken)).accessToken).toSatisfy(
      (token: string) => powerOf(token).role === 'USER',
    );
  });

  test('enrolment gives it with the next refresh, which it brings about', async () => {
    const admin = await auth.signUp('ADMIN');
    await enrol(auth, admin);
    await eventually(async () => (await auth.call('GET', '/auth/profile', { as: admin })).status === 401);
    const { accessToken } = await refresh(admin.refreshToken);
    expect(powerOf(accessToken)).toEqual({ role: 'ADMIN', withheld: undefined });
    expect((await adminAct(accessToken)).status).toBe(200);
  });

  test('another session, started without it, has no power until it is started anew', async () => {
    const admin = await auth.signUp('ADMIN');
    const elsewhere = await signIn(admin);
    const { secret } = await enrol(auth, admin);
    const refreshed = await refresh(elsewhere.refreshToken);
    expect((await adminAct(refreshed.accessToken)).body.code).toBe('mfa_enrollment_required');
    const mfaToken = await mfaTokenOf(auth, admin);
    const signedIn = await auth.call('POST', '/auth/login/mfa', {
      body: { mfaToken, code: codeOf(secret) },
    });
    expect((await adminAct(signedIn.body.accessToken)).status).toBe(200);
  });

  test('without the factor the power goes again', async () => {
    const admin = await auth.signUp('ADMIN');
    const { recoveryCodes } = await enrol(auth, admin);
    const { accessToken, refreshToken } = await refresh(admin.refreshToken);
    const removed = await auth.call('DELETE', '/auth/mfa/totp', {
      as: { token: accessToken },
      body: { password: admin.password, code: recoveryCodes[0] },
    });
    expect(removed.status).toBe(204);
    await eventually(async () => (await adminAct(accessToken)).status === 401);
    expect(powerOf((await refresh(refreshToken)).accessToken).role).toBe('USER');
  });

  test('others are not asked', async () => {
    const moderator = await auth.signUp('MODERATOR');
    expect(powerOf(moderator.token)).toEqual({ role: 'MODERATOR', withheld: undefined });
    const refused = await adminAct(moderator.token);
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
  });

  test('where it is not required, an administrator needs none', async () => {
    const lenient = await createTestApp();
    const admin = await lenient.signUp('ADMIN');
    expect((await lenient.call('GET', '/auth/users', { as: admin })).status).toBe(200);
    await lenient.close();
  });
});
