import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { outbox } from '@tertulia/shared/events/tables';
import { and, eq, like } from 'drizzle-orm';
import { createTestApp } from '../test-app.ts';
import { ensureFirstAdmin } from './first-admin.ts';

let auth: Awaited<ReturnType<typeof createTestApp>>;
beforeAll(async () => {
  auth = await createTestApp();
});
afterAll(() => auth.close());

describe('GET /auth/profile', () => {
  test('200 with an entity tag, 304 when it matches', async () => {
    const user = await auth.signUp();
    const first = await auth.call('GET', '/auth/profile', { as: user });
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ id: user.id, email: user.email, role: 'USER', bio: null });
    const etag = first.headers.get('ETag') ?? '';
    const second = await auth.call('GET', '/auth/profile', { as: user, headers: { 'If-None-Match': etag } });
    expect(second.status).toBe(304);
  });

  test.each([
    ['no token', {}],
    ['a wrong scheme', { Authorization: 'Basic YTpi' }],
    ['nonsense', { Authorization: 'Bearer nonsense' }],
    [
      'an unsigned token',
      { Authorization: `Bearer ${b64({ alg: 'none', typ: 'JWT' })}.${b64({ sub: 'x' })}.` },
    ],
  ])('401 with %s', async (_, headers) => {
    const { status, body } = await auth.call('GET', '/auth/profile', { headers });
    expect([status, body.code]).toEqual([401, 'unauthenticated']);
  });
});

describe('PATCH /auth/profile', () => {
  test('200, and the event tells it', async () => {
    const user = await auth.signUp();
    const change = { displayName: '  Ana  ', bio: 'Two\r\nlines', locale: 'es' };
    const { status, body } = await auth.call('PATCH', '/auth/profile', { as: user, body: change });
    expect(status).toBe(200);
    expect(body).toMatchObject({ displayName: 'Ana', bio: 'Two\nlines', locale: 'es' });
    const wanted = and(
      eq(outbox.subject, `user:${user.id}`),
      like(outbox.envelope, '%user.profile_updated%'),
    );
    expect(await auth.database.db.$count(outbox, wanted)).toBe(1);
  });

  test('412 when it has changed since', async () => {
    const user = await auth.signUp();
    const etag = (await auth.call('GET', '/auth/profile', { as: user })).headers.get('ETag') ?? '';
    const headers = { 'If-Match': etag };
    expect(
      (await auth.call('PATCH', '/auth/profile', { as: user, headers, body: { bio: 'one' } })).status,
    ).toBe(200);
    expect(
      (await auth.call('PATCH', '/auth/profile', { as: user, headers, body: { bio: 'two' } })).status,
    ).toBe(412);
    expect((await auth.call('GET', '/auth/profile', { as: user })).body.bio).toBe('one');
  });

  test('of ten at once that know the same state, one wins', async () => {
    const user = await auth.signUp();
    const etag = (await auth.call('GET', '/auth/profile', { as: user })).headers.get('ETag') ?? '';
    const change = (n: number) =>
      auth.call('PATCH', '/auth/profile', { as: user, headers: { 'If-Match': etag }, body: { bio: `${n}` } });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => change(n)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)]);
  });

  test('422 for roles, unknown locales and control characters; 401 without a token', async () => {
    const user = await auth.signUp();
    for (const body of [
      { role: 'ADMIN' },
      { locale: 'xx' },
      { displayName: 'a\u0000b' },
      { bio: '\ud800' },
    ]) {
      expect((await auth.call('PATCH', '/auth/profile', { as: user, body })).status).toBe(422);
    }
    expect((await auth.call('PATCH', '/auth/profile', { body: {} })).status).toBe(401);
  });
});

describe('GET /auth/users/{id}', () => {
  test('200 for anyone, without the address', async () => {
    const user = await auth.signUp();
    const { status, body } = await auth.call('GET', `/auth/users/${user.id}`);
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(['bio', 'createdAt', 'displayName', 'id', 'role', 'username']);
  });

  test('404 for an unknown id and for what is none', async () => {
    for (const id of [Bun.randomUUIDv7(), 'nonsense', '%00', '..%2fprofile']) {
      expect((await auth.call('GET', `/auth/users/${id}`)).status).toBe(404);
    }
  });
});

describe('GET /auth/users', () => {
  test('pages show everybody once, newest first; the search takes a start of name or address', async () => {
    const own = await createTestApp();
    const admin = await own.signUp('ADMIN');
    for (let n = 0; n < 6; n++) await own.signUp();
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path: string = `/auth/users?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { body } = await own.call('GET', path, { as: admin });
      seen.push(...body.items.map(({ username }: { username: string }) => username));
      cursor = body.nextCursor;
    }
    expect(seen).toEqual(['person7', 'person6', 'person5', 'person4', 'person3', 'person2', 'person1']);
    const found = await own.call('GET', '/auth/users?q=PERSON4', { as: admin });
    expect(found.body.items).toHaveLength(1);
    expect((await own.call('GET', '/auth/users?q=%25', { as: admin })).body.items).toHaveLength(0);
    expect((await own.call('GET', '/auth/users?role=ADMIN', { as: admin })).body.items).toHaveLength(1);
    await own.close();
  });

  test('403 for moderators, 401 for nobody, 400 for bad pages', async () => {
    const [admin, moderator] = [await auth.signUp('ADMIN'), await auth.signUp('MODERATOR')];
    expect((await auth.call('GET', '/auth/users', { as: moderator })).status).toBe(403);
    expect((await auth.call('GET', '/auth/users')).status).toBe(401);
    for (const query of [
      'limit=0',
      'limit=101',
      'limit=x',
      'limit=1&limit=2',
      'cursor=nonsense',
      'cursor=',
    ]) {
      expect((await auth.call('GET', `/auth/users?${query}`, { as: admin })).status).toBe(400);
    }
  });
});

describe('POST /auth/promote/{userId}', () => {
  test('200, again the same, and the event tells it once', async () => {
    const [admin, user] = [await auth.signUp('ADMIN'), await auth.signUp()];
    for (let n = 0; n < 2; n++) {
      const { status, body } = await auth.call('POST', `/auth/promote/${user.id}`, { as: admin });
      expect([status, body.role]).toEqual([200, 'MODERATOR']);
    }
    const wanted = and(eq(outbox.subject, `user:${user.id}`), like(outbox.envelope, '%user.role_changed%'));
    expect(await auth.database.db.$count(outbox, wanted)).toBe(1);
    const login = await auth.call('POST', '/auth/login', {
      body: { email: user.email, password: user.password },
    });
    const claims = JSON.parse(Buffer.from(login.body.accessToken.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({ role: 'MODERATOR', ver: 1 });
  });

  test('401, 403, 404 and 409', async () => {
    const [admin, user] = [await auth.signUp('ADMIN'), await auth.signUp()];
    expect((await auth.call('POST', `/auth/promote/${user.id}`)).status).toBe(401);
    expect((await auth.call('POST', `/auth/promote/${user.id}`, { as: user })).status).toBe(403);
    expect((await auth.call('POST', `/auth/promote/${Bun.randomUUIDv7()}`, { as: admin })).status).toBe(404);
    expect((await auth.call('POST', `/auth/promote/${admin.id}`, { as: admin })).status).toBe(409);
  });
});

describe('the first administrator', () => {
  test('comes from the settings, once', async () => {
    const own = await createTestApp({ ADMIN_EMAIL: 'root@example.org', ADMIN_PASSWORD: 'a long password' });
    for (let n = 0; n < 2; n++)
      expect(await ensureFirstAdmin(own.deps.db, own.deps.passwords, own.env)).toBeUndefined();
    const body = { email: 'root@example.org', password: 'a long password' };
    expect((await own.call('POST', '/auth/login', { body })).body.user).toMatchObject({
      role: 'ADMIN',
      username: 'admin',
    });
    await own.close();
  });

  test.each([
    ['password1', /^ADMIN_PASSWORD: is one of the most common/],
    ['root@example.org', /^ADMIN_PASSWORD: is made of your/],
  ])('does not get the password %s', async (ADMIN_PASSWORD, message) => {
    const own = await createTestApp({ ADMIN_EMAIL: 'root@example.org', ADMIN_PASSWORD });
    expect(ensureFirstAdmin(own.deps.db, own.deps.passwords, own.env)).rejects.toThrow(message);
    await own.close();
  });

  test('is made up in development, and shown once', async () => {
    const own = await createTestApp({ NODE_ENV: 'development' });
    const shown = await ensureFirstAdmin(own.deps.db, own.deps.passwords, own.env);
    expect((await own.call('POST', '/auth/login', { body: shown })).status).toBe(200);
    expect(await ensureFirstAdmin(own.deps.db, own.deps.passwords, own.env)).toBeUndefined();
    await own.close();
  });
});

function b64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
