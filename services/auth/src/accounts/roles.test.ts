import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { outbox } from '@tertulia/shared/events/tables';
import { and, eq, like } from 'drizzle-orm';
import { auditEvents, users } from '../db/schema.ts';
import { createTestApp } from '../test-app.ts';

type TestApp = Awaited<ReturnType<typeof createTestApp>>;
type Person = Awaited<ReturnType<TestApp['signUp']>>;

let auth: TestApp;
let admin: Person;
beforeAll(async () => {
  auth = await createTestApp();
});
afterAll(() => auth.close());
beforeEach(async () => {
  admin = await auth.signUp('ADMIN');
});

const setRole = (as: { token: string }, id: string, role: unknown, headers: Record<string, string> = {}) =>
  auth.call('PUT', `/auth/users/${id}/role`, { as, body: { role }, headers });

const eventsOf = async (id: string, type: string) => {
  const wanted = and(eq(outbox.subject, `user:${id}`), like(outbox.envelope, `%"type":"${type}"%`));
  const rows = await auth.database.db.select().from(outbox).where(wanted);
  return rows.map(({ envelope }) => JSON.parse(envelope));
};

const adminIds = async () =>
  (await auth.database.db.select().from(users).where(eq(users.role, 'ADMIN'))).map(({ id }) => id);

describe('PUT /auth/users/{id}/role', () => {
  test.each(['MODERATOR', 'ADMIN'] as const)(
    '200: the user is %s, as events and audit tell',
    async (role) => {
      const user = await auth.signUp();
      const { status, body } = await setRole(admin, user.id, role);
      expect([status, body.id, body.role, body.status]).toEqual([200, user.id, role, 'active']);
      expect((await eventsOf(user.id, 'user.role_changed'))[0]).toMatchObject({
        actorId: admin.id,
        data: { userId: user.id, from: 'USER', to: role },
      });
      expect((await eventsOf(user.id, 'tokens.revoked'))[0].data).toMatchObject({
        sessionIds: [],
        minGeneration: 1,
      });
      const wanted = and(eq(auditEvents.userId, user.id), eq(auditEvents.action, 'user.role_changed'));
      expect((await auth.database.db.select().from(auditEvents).where(wanted))[0]).toMatchObject({
        actorId: admin.id,
        before: { role: 'USER' },
        after: { role },
      });
    },
  );

  test('the session lives on, and its next refresh brings the new role', async () => {
    const user = await auth.signUp();
    await setRole(admin, user.id, 'MODERATOR');
    const { status, body } = await auth.call('POST', '/auth/refresh', {
      body: { refreshToken: user.refreshToken },
    });
    expect(status).toBe(200);
    const claims = JSON.parse(Buffer.from(body.accessToken.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({ role: 'MODERATOR', ver: 1 });
  });

  test('the same role again changes and announces nothing', async () => {
    const user = await auth.signUp();
    for (let n = 0; n < 2; n++) expect((await setRole(admin, user.id, 'MODERATOR')).status).toBe(200);
    expect(await eventsOf(user.id, 'user.role_changed')).toHaveLength(1);
  });

  test('409 for the last administrator, who keeps the role', async () => {
    const own = await createTestApp();
    const last = await own.signUp('ADMIN');
    for (const [method, path, body] of [
      ['PUT', `/auth/users/${last.id}/role`, { role: 'USER' }],
      ['DELETE', `/auth/users/${last.id}`, undefined],
      ['DELETE', '/auth/account', { password: last.password }],
    ] as const) {
      const answer = await own.call(method, path, { as: last, ...(body === undefined ? {} : { body }) });
      expect([path, answer.status, answer.body.code]).toEqual([path, 409, 'last_admin']);
    }
    expect((await own.call('GET', '/auth/users', { as: last })).status).toBe(200);
    await own.close();
  });

  test('an administrator who is about to go, or is suspended, is no other administrator', async () => {
    const own = await createTestApp();
    const [first, second, third] = [await own.signUp('ADMIN'), await own.signUp('ADMIN'), await own.signUp()];
    const put = (path: string, as: Person, body: unknown) => own.call('PUT', path, { as, body });
    const suspended = await put(`/auth/users/${third.id}/suspension`, first, { reason: 'x' });
    expect(suspended.status).toBe(200);
    expect((await put(`/auth/users/${third.id}/role`, first, { role: 'ADMIN' })).status).toBe(200);
    const end = { as: second, body: { password: second.password } };
    expect((await own.call('DELETE', '/auth/account', end)).status).toBe(202);
    const demoted = await put(`/auth/users/${first.id}/role`, first, { role: 'USER' });
    expect([demoted.status, demoted.body.code]).toEqual([409, 'last_admin']);
    await own.close();
  });

  test('two administrators who demote each other at once, fifty times: one always stays', async () => {
    const own = await createTestApp();
    const [one, two] = [await own.signUp('ADMIN'), await own.signUp('ADMIN')];
    const demote = (as: Person, { id }: Person) =>
      own.call('PUT', `/auth/users/${id}/role`, { as, body: { role: 'USER' } });
    const outcomes = new Set<string>();
    for (let n = 0; n < 50; n++) {
      const answers = await Promise.all([demote(one, two), demote(two, one)]);
      const [first, second] = answers.map(({ status, body }) => (status === 200 ? 200 : body.code)).sort();
      outcomes.add(`${first} ${second}`);
      const left = await own.database.db.select().from(users).where(eq(users.role, 'ADMIN'));
      expect(left).toHaveLength(1);
      await own.database.db.update(users).set({ role: 'ADMIN' });
      // Who was demoted has an outdated token: the next round takes fresh ones.
      for (const person of [one, two]) {
        const body = { refreshToken: person.refreshToken };
        const fresh = (await own.call('POST', '/auth/refresh', { body })).body;
        Object.assign(person, { token: fresh.accessToken, refreshToken: fresh.refreshToken });
      }
    }
    // One that comes a moment later finds its own token outdated.
    expect([...outcomes].filter((outcome) => outcome !== '200 unauthenticated')).toEqual(['200 last_admin']);
    await own.close();
  });

  test('403 for who was an administrator a moment ago, though the token still says so', async () => {
    const [former, user] = [await auth.signUp('ADMIN'), await auth.signUp()];
    await auth.database.db.update(users).set({ role: 'MODERATOR' }).where(eq(users.id, former.id));
    expect((await setRole(former, user.id, 'ADMIN')).status).toBe(403);
    expect(await adminIds()).not.toContain(user.id);
  });

  test('412 when the user has changed since', async () => {
    const user = await auth.signUp();
    const etag = (await auth.call('GET', `/auth/users/${user.id}`)).headers.get('ETag') ?? '';
    const headers = { 'If-Match': etag };
    expect((await setRole(admin, user.id, 'MODERATOR', headers)).status).toBe(200);
    expect((await setRole(admin, user.id, 'ADMIN', headers)).status).toBe(412);
  });

  test('422 for what is no role, 404 for nobody, 403 below ADMIN, 401 without a token', async () => {
    const user = await auth.signUp();
    for (const role of ['ROOT', 'admin', '', null, ['ADMIN'], { $ne: 1 }]) {
      expect((await setRole(admin, user.id, role)).status).toBe(422);
    }
    for (const id of [Bun.randomUUIDv7(), 'nonsense', '%00']) {
      expect((await setRole(admin, id, 'USER')).status).toBe(404);
    }
    for (const as of [user, await auth.signUp('MODERATOR')]) {
      for (const id of [user.id, admin.id, Bun.randomUUIDv7()]) {
        expect((await setRole(as, id, 'ADMIN')).status).toBe(403);
      }
    }
    const nobody = await auth.call('PUT', `/auth/users/${user.id}/role`, { body: { role: 'ADMIN' } });
    expect(nobody.status).toBe(401);
  });
});

describe('GET /auth/users?status=', () => {
  test('active, suspended and deleting ones', async () => {
    const own = await createTestApp();
    const as = await own.signUp('ADMIN');
    const [suspended, over, leaving] = [await own.signUp(), await own.signUp(), await own.signUp()];
    const path = (id: string) => `/auth/users/${id}/suspension`;
    await own.call('PUT', path(suspended.id), { as, body: { reason: 'spam' } });
    await own.call('PUT', path(over.id), {
      as,
      body: { reason: 'spam', until: new Date(Date.now() + 60_000).toISOString() },
    });
    const past = { suspendedUntil: new Date(Date.now() - 1000) };
    await own.database.db.update(users).set(past).where(eq(users.id, over.id));
    await own.call('DELETE', '/auth/account', { as: leaving, body: { password: leaving.password } });
    const list = async (status: string) => {
      const { body } = await own.call('GET', `/auth/users?status=${status}`, { as });
      return body.items.map((user: { id: string; status: string }) => [user.id, user.status]);
    };
    expect(await list('suspended')).toEqual([[suspended.id, 'suspended']]);
    expect(await list('deleting')).toEqual([[leaving.id, 'deleting']]);
    expect(await list('active')).toEqual([
      [over.id, 'active'],
      [as.id, 'active'],
    ]);
    expect((await own.call('GET', '/auth/users?status=gone', { as })).status).toBe(422);
    await own.close();
  });
});
