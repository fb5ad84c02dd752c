import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { outbox } from '@tertulia/shared/events/tables';
import { eventually } from '@tertulia/shared/testing/eventually';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { eq } from 'drizzle-orm';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { refreshTokens, users } from '../db/schema.ts';
import { createTestApp } from '../test-app.ts';
import { CUT_EVERY, KEPT_TOKENS } from './sessions.repository.ts';

let auth: Awaited<ReturnType<typeof createTestApp>>;
beforeAll(async () => {
  auth = await createTestApp();
});
afterAll(() => auth.close());

const person = { username: 'Ana', email: 'Ana@Example.org', password: 'correct horse battery' };

describe('POST /auth/register', () => {
  test('201 with user and tokens; jose verifies them from the key set alone', async () => {
    const { status, body, headers } = await auth.call('POST', '/auth/register', {
      body: { ...person, displayName: 'Ana Ñ' },
    });
    expect(status).toBe(201);
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(body).toMatchObject({ tokenType: 'Bearer', expiresIn: 900 });
    expect(body.user).toMatchObject({
      username: 'Ana',
      email: 'Ana@Example.org',
      displayName: 'Ana Ñ',
      role: 'USER',
    });
    expect(JSON.stringify(body)).not.toContain('argon2');
    const jwks = (await auth.call('GET', '/.well-known/jwks.json')).body;
    const { payload, protectedHeader } = await jwtVerify(body.accessToken, createLocalJWKSet(jwks), {
      issuer: auth.env.TOKEN_ISSUER,
      audience: 'tertulia',
      algorithms: ['EdDSA'],
    });
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'JWT', kid: jwks.keys[0].kid });
    expect(payload).toMatchObject({
      use: 'access',
      sub: body.user.id,
      ver: 0,
      role: 'USER',
      username: 'Ana',
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(900);
  });

  test('the event is committed with the account', async () => {
    const { body } = await auth.call('POST', '/auth/register', {
      body: { ...person, username: 'evt', email: 'evt@example.org' },
    });
    const [row] = await auth.database.db
      .select()
      .from(outbox)
      .where(eq(outbox.subject, `user:${body.user.id}`));
    const envelope = JSON.parse(row?.envelope ?? '');
    expect(envelope).toMatchObject({ type: 'user.registered', source: 'auth', actorId: body.user.id });
    expect(row?.envelope).not.toContain('evt@example.org');
  });

  test('409 for a name or address that differs only in case or form', async () => {
    const taken = { ...person, username: 'Berta', email: 'berta@example.org' };
    await auth.call('POST', '/auth/register', { body: taken });
    const sameName = await auth.call('POST', '/auth/register', {
      body: { ...taken, username: 'bERTA', email: 'x@example.org' },
    });
    expect([sameName.status, sameName.body.code]).toEqual([409, 'username_taken']);
    const fullWidth = await auth.call('POST', '/auth/register', {
      body: { ...taken, username: 'other', email: 'ＢERTA@example.org' },
    });
    expect([fullWidth.status, fullWidth.body.code]).toEqual([409, 'email_taken']);
  });

  test('ten at once for one name: one account', async () => {
    const body = { ...person, username: 'race', email: 'race@example.org' };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => auth.call('POST', '/auth/register', { body })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
  });

  test.each([
    ['role', { role: 'ADMIN' }],
    ['id', { id: '0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f' }],
    ['__proto__', JSON.parse('{"__proto__":{"role":"ADMIN"}}')],
  ])('422 for the unknown field %s', async (path, extra) => {
    const text = JSON.stringify({ ...person, username: 'mallory', email: 'm@example.org' });
    const body = text.replace(/}$/, `,${JSON.stringify(extra).slice(1)}`);
    const answer = await auth.call('POST', '/auth/register', {
      body,
      headers: { 'Content-Type': 'application/json' },
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([{ path, message: 'is not a known field' }]);
  });

  test.each([
    ['username', { username: 'a b' }],
    ['username', { username: 'x'.repeat(33) }],
    ['email', { email: 'not an address' }],
    ['email', { email: 7 }],
    ['password', { password: 'short' }],
    ['password', { password: 'x'.repeat(129) }],
    ['password', { password: 'has a \0 inside' }],
    ['displayName', { displayName: '' }],
    ['displayName', { displayName: 'two\nlines' }],
  ])('422 for a bad %s', async (path, change) => {
    const { status, body } = await auth.call('POST', '/auth/register', { body: { ...person, ...change } });
    expect([status, body.errors[0].path]).toEqual([422, path]);
  });

  test('400, 413 and 415 before anything is read', async () => {
    const headers = { 'Content-Type': 'application/json' };
    const cut = await auth.call('POST', '/auth/register', { body: '{"username":', headers });
    expect([cut.status, cut.body.code]).toEqual([400, 'malformed_json']);
    const large = await auth.call('POST', '/auth/register', {
      body: `"${'x'.repeat(1024 * 1024)}"`,
      headers,
    });
    expect([large.status, large.body.code]).toEqual([413, 'body_too_large']);
    for (const type of ['text/plain', 'application/json; charset=latin-1', 'application/xml']) {
      const answer = await auth.call('POST', '/auth/register', {
        body: '{}',
        headers: { 'Content-Type': type },
      });
      expect(answer.status).toBe(415);
    }
    const zipped = await auth.call('POST', '/auth/register', {
      body: '{}',
      headers: { ...headers, 'Content-Encoding': 'gzip' },
    });
    expect(zipped.status).toBe(415);
    expect((await auth.call('POST', '/auth/register')).status).toBeOneOf([400, 415, 422]);
  });
});

describe('POST /auth/login', () => {
  test('200 with the address in any case, and the password in any Unicode form', async () => {
    const body = { username: 'nfkc', email: 'nfkc@example.org', password: 'contraseña ﬁna' };
    await auth.call('POST', '/auth/register', { body });
    const login = await auth.call('POST', '/auth/login', {
      body: { email: 'NFKC@example.org', password: 'contrasen\u0303a fina' },
    });
    expect(login.status).toBe(200);
    expect(login.body.user.username).toBe('nfkc');
  });

  test('the same 401 for a wrong password and an unknown account', async () => {
    const { email } = await auth.signUp();
    const wrong = await auth.call('POST', '/auth/login', { body: { email, password: 'wrong password' } });
    const unknown = await auth.call('POST', '/auth/login', {
      body: { email: 'no@example.org', password: 'wrong password' },
    });
    for (const { status, body } of [wrong, unknown])
      expect([status, body.code]).toEqual([401, 'invalid_credentials']);
    expect({ ...wrong.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
  });

  test('the first 72 characters of a long password are not enough', async () => {
    const password = 'long '.repeat(16);
    await auth.call('POST', '/auth/register', {
      body: { username: 'long', email: 'long@example.org', password },
    });
    const cut = await auth.call('POST', '/auth/login', {
      body: { email: 'long@example.org', password: password.slice(0, 72) },
    });
    expect(cut.status).toBe(401);
  });

  test(
    '429 after five failures for one account, for nobody else, and not for ever',
    async () => {
      const strict = await createTestApp({
        RATE_LIMIT_SCALE: '1',
        LOGIN_FAILURES_PER_ADDRESS: '100',
        // Long enough for a slow machine's hashes.
        LOGIN_WINDOW_SECONDS: '5',
      });
      const [victim, other] = [await strict.signUp(), await strict.signUp()];
      const attempt = (email: string, password: string) =>
        strict.call('POST', '/auth/login', { body: { email, password } });
      const guesses = await Promise.all(
        Array.from({ length: 12 }, () => attempt(victim.email, 'guessed wrong')),
      );
      const refused = guesses.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThanOrEqual(7);
      const retryAfter = Number(refused[0]?.headers.get('Retry-After'));
      expect(retryAfter).toBeGreaterThanOrEqual(1);
      expect(retryAfter).toBeLessThanOrEqual(5);
      expect(refused[0]?.headers.get('RateLimit-Limit')).toBe('5');
      expect((await attempt(other.email, other.password)).status).toBe(200);
      await eventually(async () => (await attempt(victim.email, victim.password)).status === 200, {
        every: 200,
      });
      await strict.close();
    },
    HANG_MS,
  );

  test('right passwords do not use up the limits', async () => {
    const strict = await createTestApp({ RATE_LIMIT_SCALE: '1' });
    const { email, password } = await strict.signUp();
    for (let n = 0; n < 25; n++) {
      expect((await strict.call('POST', '/auth/login', { body: { email, password } })).status).toBe(200);
    }
    await strict.close();
  });
});

describe('POST /auth/refresh', () => {
  const refresh = (refreshToken: string) => auth.call('POST', '/auth/refresh', { body: { refreshToken } });

  test('200 with a new pair, of the same session', async () => {
    const user = await auth.signUp();
    const { status, body } = await refresh(user.refreshToken);
    expect(status).toBe(200);
    expect(body.refreshToken).not.toBe(user.refreshToken);
    expect((await auth.call('GET', '/auth/profile', { as: { token: body.accessToken } })).status).toBe(200);
    expect((await refresh(body.refreshToken)).status).toBe(200);
  });

  test('twenty at once with one token leave one successor', async () => {
    const user = await auth.signUp();
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(user.refreshToken)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.refreshToken)).size).toBe(1);
  });

  test('a token used again after its successor was used ends the session', async () => {
    const user = await auth.signUp();
    const second = (await refresh(user.refreshToken)).body.refreshToken;
    const third = (await refresh(second)).body.refreshToken;
    const replay = await refresh(user.refreshToken);
    expect([replay.status, replay.body.code]).toEqual([401, 'invalid_refresh_token']);
    expect((await refresh(third)).status).toBe(401);
  });

  test('a thousand used tokens are kept: one of them ends the session, an older one opens nothing', async () => {
    const user = await auth.signUp();
    const last = KEPT_TOKENS + CUT_EVERY;
    const { db } = auth.database;
    const [current] = await db
      .update(refreshTokens)
      .set({ place: last })
      .where(eq(refreshTokens.hash, hashOf(user.refreshToken)))
      .returning();
    const sessionId = current?.sessionId ?? '';
    // As if it had been exchanged so often.
    const used = Array.from({ length: last }, (_, place) => ({
      hash: hashOf(`used ${user.id} ${place}`),
      sessionId,
      place,
      usedAt: new Date(0),
    }));
    await db.insert(refreshTokens).values(used);
    const { body } = await refresh(user.refreshToken);
    const ofSession = eq(refreshTokens.sessionId, sessionId);
    expect(await db.$count(refreshTokens, ofSession)).toBe(KEPT_TOKENS + 1);
    const forgotten = `used ${user.id} ${CUT_EVERY}`;
    const kept = `used ${user.id} ${CUT_EVERY + 1}`;
    expect((await refresh(forgotten)).status).toBe(401);
    const next = await refresh(body.refreshToken);
    expect(next.status).toBe(200);
    expect((await refresh(kept)).status).toBe(401);
    expect((await refresh(next.body.refreshToken)).status).toBe(401);
  });

  test('a token used again after the grace ends the session; the other device goes on', async () => {
    const user = await auth.signUp();
    const elsewhere = (
      await auth.call('POST', '/auth/login', { body: { email: user.email, password: user.password } })
    ).body;
    const second = (await refresh(user.refreshToken)).body.refreshToken;
    await auth.database.db
      .update(refreshTokens)
      .set({ usedAt: new Date(Date.now() - 11_000) })
      .where(eq(refreshTokens.hash, hashOf(user.refreshToken)));
    expect((await refresh(user.refreshToken)).status).toBe(401);
    expect((await refresh(second)).status).toBe(401);
    expect((await refresh(elsewhere.refreshToken)).status).toBe(200);
  });

  test('401 for nonsense and for an access token; tokens are kept as hashes', async () => {
    const user = await auth.signUp();
    expect((await refresh('nonsense')).status).toBe(401);
    expect((await refresh(user.token)).status).toBe(401);
    const rows = await auth.database.db.select().from(refreshTokens);
    expect(JSON.stringify(rows)).not.toContain(user.refreshToken);
    expect((await auth.call('POST', '/auth/refresh', { body: {} })).status).toBe(422);
  });
});

describe('POST /auth/logout', () => {
  test('204, and the session is over', async () => {
    const user = await auth.signUp();
    expect((await auth.call('POST', '/auth/logout', { as: user })).status).toBe(204);
    expect(
      (await auth.call('POST', '/auth/refresh', { body: { refreshToken: user.refreshToken } })).status,
    ).toBe(401);
  });

  test('401 without a token, and with a refresh token in its place', async () => {
    const user = await auth.signUp();
    expect((await auth.call('POST', '/auth/logout')).status).toBe(401);
    expect((await auth.call('POST', '/auth/logout', { as: { token: user.refreshToken } })).status).toBe(401);
  });
});

test('passwords are argon2id with the memory and the passes of the settings', async () => {
  const { id } = await auth.signUp();
  const [row] = await auth.database.db.select().from(users).where(eq(users.id, id));
  expect(row?.passwordHash).toStartWith('$argon2id$v=19$m=1024,t=1,p=1$');
});

const hashOf = (token: string) => new Bun.CryptoHasher('sha256').update(token).digest('base64url');
