import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { eventually } from '@tertulia/shared/testing/eventually';
import { eq } from 'drizzle-orm';
import { auditEvents, passkeys, recoveryCodes, totpFactors } from '../db/schema.ts';
import { createTestApp } from '../test-app.ts';
import { type Auth, enrol, mailsTo, mfaTokenOf, type Person } from './testing.ts';

let auth: Auth;
let admin: Person;
beforeAll(async () => {
  auth = await createTestApp();
  admin = await auth.signUp('ADMIN');
});
afterAll(() => auth.close());

const reset = (id: string, as?: Person) =>
  auth.call('DELETE', `/auth/users/${id}/factors`, as === undefined ? {} : { as });

describe('DELETE /auth/users/{id}/factors', () => {
  test('204: all factors are gone, and with them every session; audited, and told by mail', async () => {
    const user = await auth.signUp();
    const { recoveryCodes: codes } = await enrol(auth, user);
    const { id: userId } = user;
    await auth.database.db
      .insert(passkeys)
      .values({ id: 'key', userId, publicKey: 'x', counter: 0, transports: [], name: 'Key' });
    const mfaToken = await mfaTokenOf(auth, user);
    expect((await reset(user.id, admin)).status).toBe(204);
    for (const table of [totpFactors, recoveryCodes, passkeys]) {
      expect(await auth.database.db.$count(table, eq(table.userId, userId))).toBe(0);
    }
    await eventually(async () => (await auth.call('GET', '/auth/profile', { as: user })).status === 401);
    const { refreshToken, email, password } = user;
    expect((await auth.call('POST', '/auth/refresh', { body: { refreshToken } })).status).toBe(401);
    const late = await auth.call('POST', '/auth/login/mfa', { body: { mfaToken, code: codes[0] } });
    expect(late.status).toBe(400);
    expect((await auth.call('POST', '/auth/login', { body: { email, password } })).status).toBe(200);
    const events = await auth.database.db.select().from(auditEvents).where(eq(auditEvents.userId, userId));
    expect(events.find(({ action }) => action === 'mfa.reset')).toMatchObject({
      actorId: admin.id,
      before: { totp: true, passkeys: 1 },
    });
    expect((await mailsTo(auth, user)).map(({ template }) => template)).toContain('factors_reset');
  });

  test('204 where there is none, and nothing happens', async () => {
    const user = await auth.signUp();
    expect((await reset(user.id, admin)).status).toBe(204);
    expect((await auth.call('GET', '/auth/profile', { as: user })).status).toBe(200);
    expect((await mailsTo(auth, user)).map(({ template }) => template)).not.toContain('factors_reset');
  });

  test('403 for oneself, for users and moderators; 401 for nobody; 404 for who does not exist', async () => {
    const user = await auth.signUp();
    expect((await reset(admin.id, admin)).status).toBe(403);
    expect((await reset(user.id, user)).status).toBe(403);
    expect((await reset(user.id, await auth.signUp('MODERATOR'))).status).toBe(403);
    expect((await reset(user.id)).status).toBe(401);
    expect((await reset(Bun.randomUUIDv7(), admin)).status).toBe(404);
    expect((await reset('me', admin)).status).toBe(404);
  });
});
