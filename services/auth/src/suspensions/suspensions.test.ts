import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { outbox } from '@tertulia/shared/events/tables';
import { and, asc, eq } from 'drizzle-orm';
import { sweepAccounts } from '../account-end/sweep.ts';
import { auditEvents, mails, sessions, users } from '../db/schema.ts';
import { unseal } from '../keys/seal.ts';
import { createTestApp } from '../test-app.ts';

type TestApp = Awaited<ReturnType<typeof createTestApp>>;
type Person = Awaited<ReturnType<TestApp['signUp']>>;

let auth: TestApp;
let admin: Person;
let moderator: Person;
beforeAll(async () => {
  auth = await createTestApp();
  [admin, moderator] = [await auth.signUp('ADMIN'), await auth.signUp('MODERATOR')];
});
afterAll(() => auth.close());

const pathOf = (id: string) => `/auth/users/${id}/suspension`;
const suspend = (as: { token: string }, id: string, body: unknown = { reason: 'spam' }) =>
  auth.call('PUT', pathOf(id), { as, body });
const login = ({ email, password }: Person) =>
  auth.call('POST', '/auth/login', { body: { email, password } });
const soon = (ms = 3_600_000) => new Date(Date.now() + ms).toISOString();

const typesOf = async (id: string): Promise<string[]> => {
  const rows = await auth.database.db
    .select()
    .from(outbox)
    .where(eq(outbox.subject, `user:${id}`))
    .orderBy(asc(outbox.id));
  return rows.map(({ envelope }) => JSON.parse(envelope).type);
};

const auditOf = (id: string, action: string) =>
  auth.database.db
    .select()
    .from(auditEvents)
    .where(and(eq(auditEvents.userId, id), eq(auditEvents.action, action)))
    .orderBy(asc(auditEvents.id));

/** Lets the clock pass the end of a suspension. */
const letTimePass = (id: string) =>
  auth.database.db
    .update(users)
    .set({ suspendedUntil: new Date(Date.now() - 1000) })
    .where(eq(users.id, id));

describe('PUT /auth/users/{id}/suspension', () => {
  test('200: sessions end, refresh and sign-in are refused, and it is told', async () => {
    const user = await auth.signUp();
    const until = soon();
    const { status, body } = await suspend(moderator, user.id, { reason: ' rude  ', until });
    expect(status).toBe(200);
    expect(body).toEqual({
      userId: user.id,
      reason: 'rude',
      since: expect.stringMatching(/Z$/),
      until,
      suspendedBy: moderator.id,
    });
    const living = await auth.database.db.select().from(sessions).where(eq(sessions.userId, user.id));
    expect(living.map(({ revokedReason }) => revokedReason)).toEqual(['suspended']);
    const refreshed = await auth.call('POST', '/auth/refresh', { body: { refreshToken: user.refreshToken } });
    expect([refreshed.status, refreshed.body.code]).toEqual([401, 'invalid_refresh_token']);
    const refused = await login(user);
    expect([refused.status, refused.body.code, refused.body.reason, refused.body.until]).toEqual([
      403,
      'account_suspended',
      'rude',
      until,
    ]);
    expect((await login({ ...user, password: 'wrong password' })).body.code).toBe('invalid_credentials');
    const types = await typesOf(user.id);
    expect(types).toContain('session.revoked');
    expect(types.filter((type) => type === 'tokens.revoked')).toHaveLength(2);
    expect(types.filter((type) => type === 'user.suspended')).toHaveLength(1);
    expect((await auditOf(user.id, 'user.suspended'))[0]).toMatchObject({
      actorId: moderator.id,
      after: { reason: 'rude', until },
    });
    const sealed = await auth.database.db.select().from(mails);
    const opened = await Promise.all(
      sealed.map(async (mail) => JSON.parse(await unseal(auth.deps.secrets.mails, mail.sealed))),
    );
    expect(opened.filter(({ to }) => to === user.email)).toContainEqual(
      expect.objectContaining({
        template: 'account_suspended',
        parameters: expect.objectContaining({ reason: 'rude', until }),
      }),
    );
  });

  test('again, it replaces reason and end, and keeps its start', async () => {
    const user = await auth.signUp();
    const first = await suspend(moderator, user.id, { reason: 'one', until: soon() });
    const second = await suspend(admin, user.id, { reason: 'two' });
    expect(second.body).toMatchObject({
      reason: 'two',
      until: null,
      since: first.body.since,
      suspendedBy: admin.id,
    });
    expect((await auditOf(user.id, 'user.suspended'))[1]?.before).toEqual({
      reason: 'one',
      until: first.body.until,
    });
    expect((await login(user)).body).toMatchObject({ reason: 'two', until: null });
  });

  test('a sign-in at the same moment is refused, or its session is over', async () => {
    for (let n = 0; n < 10; n++) {
      const user = await auth.signUp();
      const [suspended, ...logins] = await Promise.all([
        suspend(admin, user.id),
        ...Array.from({ length: 3 }, () => login(user)),
      ]);
      expect(suspended.status).toBe(200);
      for (const { status, body } of logins) {
        expect([200, 403]).toContain(status);
        if (status === 403) continue;
        const { refreshToken } = body;
        expect((await auth.call('POST', '/auth/refresh', { body: { refreshToken } })).status).toBe(401);
      }
    }
  });

  test.each([
    [{}],
    [{ reason: '' }],
    [{ reason: '   ' }],
    [{ reason: 'x'.repeat(501) }],
    [{ reason: 'a\u0000b' }],
    [{ reason: 7 }],
    [{ reason: 'x', until: new Date(Date.now() - 1000).toISOString() }],
    [{ reason: 'x', until: 'tomorrow' }],
    [{ reason: 'x', until: '2999-13-45T00:00:00.000Z' }],
    [{ reason: 'x', until: 1e308 }],
    [{ reason: 'x', by: 'me' }],
  ])('422 for %p', async (body) => {
    const user = await auth.signUp();
    expect((await suspend(admin, user.id, body)).status).toBe(422);
    expect((await login(user)).status).toBe(200);
  });
});

describe('who may suspend whom', () => {
  const matrix: Record<string, [string, number][]> = {
    USER: [
      ['USER', 403],
      ['MODERATOR', 403],
      ['ADMIN', 403],
      ['oneself', 403],
      ['absent', 403],
    ],
    MODERATOR: [
      ['USER', 200],
      ['MODERATOR', 403],
      ['ADMIN', 403],
      ['oneself', 403],
      ['absent', 404],
    ],
    ADMIN: [
      ['USER', 200],
      ['MODERATOR', 200],
      ['ADMIN', 403],
      ['oneself', 403],
      ['absent', 404],
    ],
  };
  const roles = ['USER', 'MODERATOR', 'ADMIN'] as const;

  test.each(roles)('%s', async (role) => {
    const as = await auth.signUp(role);
    for (const [target, wanted] of matrix[role] ?? []) {
      const known = roles.find((name) => name === target);
      const id =
        target === 'oneself'
          ? as.id
          : known === undefined
            ? Bun.randomUUIDv7()
            : (await auth.signUp(known)).id;
      expect([target, (await suspend(as, id)).status]).toEqual([target, wanted]);
      const ended = await auth.call('DELETE', pathOf(id), { as });
      expect([target, ended.status]).toEqual([target, wanted === 200 ? 204 : wanted]);
    }
  });

  test('nobody without a token, and a moderator no longer once demoted or suspended', async () => {
    const user = await auth.signUp();
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { body: { reason: 'x' } } : {};
      expect((await auth.call(method, pathOf(user.id), body)).status).toBe(401);
    }
    const former = await auth.signUp('MODERATOR');
    await auth.database.db.update(users).set({ role: 'USER' }).where(eq(users.id, former.id));
    expect((await suspend(former, user.id)).status).toBe(403);
    const barred = await auth.signUp('MODERATOR');
    await auth.database.db.update(users).set({ suspendedAt: new Date() }).where(eq(users.id, barred.id));
    expect((await suspend(barred, user.id)).status).toBe(403);
    expect((await login(user)).status).toBe(200);
  });

  test('404 for what is no id', async () => {
    for (const id of ['nonsense', '%00', '1']) expect((await suspend(admin, id)).status).toBe(404);
  });
});

describe('GET /auth/users/{id}/suspension', () => {
  test('200 with an entity tag for moderators, 304, and 404 for who is not suspended', async () => {
    const user = await auth.signUp();
    expect((await auth.call('GET', pathOf(user.id), { as: moderator })).status).toBe(404);
    const put = await suspend(admin, user.id);
    const { status, body, headers } = await auth.call('GET', pathOf(user.id), { as: moderator });
    expect([status, body]).toEqual([200, put.body]);
    const etag = headers.get('ETag') ?? '';
    const again = { as: moderator, headers: { 'If-None-Match': etag } };
    expect((await auth.call('GET', pathOf(user.id), again)).status).toBe(304);
    await suspend(admin, user.id, { reason: 'another' });
    const stale = { as: moderator, headers: { 'If-Match': etag } };
    expect((await auth.call('DELETE', pathOf(user.id), stale)).status).toBe(412);
    expect((await auth.call('GET', pathOf(user.id), { as: await auth.signUp() })).status).toBe(403);
  });
});

describe('the end of a suspension', () => {
  test('DELETE lets in at once, once told, again the same', async () => {
    const user = await auth.signUp();
    await suspend(moderator, user.id);
    for (let n = 0; n < 2; n++) {
      expect((await auth.call('DELETE', pathOf(user.id), { as: moderator })).status).toBe(204);
    }
    expect((await login(user)).status).toBe(200);
    expect((await typesOf(user.id)).filter((type) => type === 'user.unsuspended')).toHaveLength(1);
    expect(await auditOf(user.id, 'user.unsuspended')).toHaveLength(1);
  });

  test('comes by itself: sign-in works by the clock alone, the sweep tells of it once', async () => {
    const user = await auth.signUp();
    await suspend(moderator, user.id, { reason: 'x', until: soon() });
    await letTimePass(user.id);
    expect((await login(user)).status).toBe(200);
    expect(await typesOf(user.id)).not.toContain('user.unsuspended');
    await Promise.all([sweepAccounts(auth.deps), sweepAccounts(auth.deps)]);
    expect((await typesOf(user.id)).filter((type) => type === 'user.unsuspended')).toHaveLength(1);
    expect((await auditOf(user.id, 'user.unsuspended'))[0]).toMatchObject({ actorId: null });
    const [row] = await auth.database.db.select().from(users).where(eq(users.id, user.id));
    expect(row).toMatchObject({ suspendedAt: null, suspendedUntil: null, suspensionReason: null });
  });

  test('a round of the sweep is bounded, and one without an end is left alone', async () => {
    const over = [await auth.signUp(), await auth.signUp(), await auth.signUp()];
    for (const { id } of over) {
      await suspend(moderator, id, { reason: 'x', until: soon() });
      await letTimePass(id);
    }
    const endless = await auth.signUp();
    await suspend(moderator, endless.id);
    expect(await sweepAccounts(auth.deps, 2)).toBe(true);
    expect(await sweepAccounts(auth.deps, 2)).toBe(false);
    for (const { id } of over) expect(await typesOf(id)).toContain('user.unsuspended');
    expect((await login(endless)).status).toBe(403);
  });
});
