import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { outbox } from '@tertulia/shared/events/tables';
import { createLog } from '@tertulia/shared/runtime/log';
import { openRedis, type RedisClient, whenReady } from '@tertulia/shared/stores/redis';
import { eventually } from '@tertulia/shared/testing/eventually';
import { describeWith } from '@tertulia/shared/testing/needs';
import { startRedis, type TestRedis } from '@tertulia/shared/testing/redis';
import { and, eq, like } from 'drizzle-orm';
import { auditEvents, challenges, oneTimeTokens, refreshTokens, sessions } from '../db/schema.ts';
import { hashOf } from '../keys/seal.ts';
import { createTestApp } from '../test-app.ts';
import { createLastUse } from './last-use.ts';
import { sweepSessions } from './sweep-sessions.ts';

let auth: Awaited<ReturnType<typeof createTestApp>>;
beforeAll(async () => {
  auth = await createTestApp({ SESSIONS_PER_USER: '4' });
});
afterAll(() => auth.close());

type User = Awaited<ReturnType<typeof auth.signUp>>;

const login = async ({ email, password }: User, device = 'Another device') => {
  const { body } = await auth.call('POST', '/auth/login', {
    body: { email, password },
    headers: { 'User-Agent': device },
  });
  return { token: body.accessToken as string, refreshToken: body.refreshToken as string };
};
const list = async (as: { token: string }, query = '') =>
  (await auth.call('GET', `/auth/sessions${query}`, { as })).body;
const statusOf = async (as: { token: string }) => (await auth.call('GET', '/auth/profile', { as })).status;
const refresh = async (refreshToken: string) =>
  (await auth.call('POST', '/auth/refresh', { body: { refreshToken } })).status;
const sessionOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid;

/** What was announced about a user, newest last. */
async function eventsOf(userId: string) {
  const rows = await auth.database.db
    .select()
    .from(outbox)
    .where(eq(outbox.subject, `user:${userId}`))
    .orderBy(outbox.id);
  return rows.map(({ envelope }) => JSON.parse(envelope));
}

describe('GET /auth/sessions', () => {
  test('200 with device, address and times, newest first, and which one is this', async () => {
    const user = await auth.signUp();
    const other = await login(user, 'Phone/1.0');
    const { items, nextCursor } = await list(user);
    expect(nextCursor).toBeNull();
    expect(items).toEqual([
      {
        id: sessionOf(other.token),
        device: 'Phone/1.0',
        address: 'unknown',
        createdAt: expect.any(String),
        lastUsedAt: expect.any(String),
        current: false,
      },
      expect.objectContaining({ id: sessionOf(user.token), device: null, current: true }),
    ]);
  });

  test('pages of one come to the same', async () => {
    const user = await auth.signUp();
    await login(user);
    const first = await list(user, '?limit=1');
    const second = await list(user, `?limit=1&cursor=${first.nextCursor}`);
    const idsOf = (items: { id: string }[]) => items.map(({ id }) => id);
    expect(idsOf([...first.items, ...second.items])).toEqual(idsOf((await list(user)).items));
    expect(second.nextCursor).toBeNull();
  });

  test('400 for a cursor that is none, 401 for nobody', async () => {
    const user = await auth.signUp();
    expect((await auth.call('GET', '/auth/sessions?cursor=x', { as: user })).status).toBe(400);
    expect((await auth.call('GET', '/auth/sessions')).status).toBe(401);
  });
});

describe('DELETE /auth/sessions/{id}', () => {
  test('204: refresh is over at once, the access token in a moment, and this one goes on', async () => {
    const user = await auth.signUp();
    const lost = await login(user);
    const path = `/auth/sessions/${sessionOf(lost.token)}`;
    expect((await auth.call('DELETE', path, { as: user })).status).toBe(204);
    expect(await refresh(lost.refreshToken)).toBe(401);
    await eventually(async () => (await statusOf(lost)) === 401);
    expect([await statusOf(user), (await list(user)).items.length]).toEqual([200, 1]);
    const told = (await eventsOf(user.id)).slice(-2);
    expect(told.map(({ type, data }) => [type, data.reason ?? data.sessionIds])).toEqual([
      ['tokens.revoked', [sessionOf(lost.token)]],
      ['session.revoked', 'logout'],
    ]);
  });

  test('the same 404 for another’s, an unknown and one that is over; another’s lives on', async () => {
    const [a, b] = [await auth.signUp(), await auth.signUp()];
    const over = await login(b);
    await auth.call('DELETE', `/auth/sessions/${sessionOf(over.token)}`, { as: b });
    const ids = [sessionOf(a.token), Bun.randomUUIDv7(), sessionOf(over.token)];
    const answers = await Promise.all(
      ids.map(async (id) => {
        const { status, body } = await auth.call('DELETE', `/auth/sessions/${id}`, { as: b });
        return { status, body: { ...body, instance: '', requestId: '' } };
      }),
    );
    expect(answers).toEqual(Array(3).fill(answers[0]));
    expect(answers[0]?.status).toBe(404);
    expect([await statusOf(a), await refresh(a.refreshToken)]).toEqual([200, 200]);
    expect((await auth.call('DELETE', '/auth/sessions/nonsense', { as: b })).status).toBe(404);
    expect((await auth.call('DELETE', `/auth/sessions/${ids[0]}`)).status).toBe(401);
  });
});

describe('POST /auth/logout and /auth/logout-all', () => {
  test('logout ends this session, and no other', async () => {
    const user = await auth.signUp();
    const other = await login(user);
    expect((await auth.call('POST', '/auth/logout', { as: user })).status).toBe(204);
    expect(await refresh(user.refreshToken)).toBe(401);
    await eventually(async () => (await statusOf(user)) === 401);
    expect([await statusOf(other), await refresh(other.refreshToken)]).toEqual([200, 200]);
  });

  test('logout-all ends every one of this user, in one revocation, and of nobody else', async () => {
    const [user, bystander] = [await auth.signUp(), await auth.signUp()];
    const other = await login(user);
    expect((await auth.call('POST', '/auth/logout-all', { as: user })).status).toBe(204);
    expect([await refresh(user.refreshToken), await refresh(other.refreshToken)]).toEqual([401, 401]);
    await eventually(async () => (await statusOf(user)) === 401 && (await statusOf(other)) === 401);
    expect(await statusOf(bystander)).toBe(200);
    const revoked = (await eventsOf(user.id)).filter(({ type }) => type === 'tokens.revoked');
    expect(revoked.map(({ data }) => data.sessionIds.sort())).toEqual([
      [sessionOf(user.token), sessionOf(other.token)].sort(),
    ]);
    expect((await auth.call('POST', '/auth/logout-all')).status).toBe(401);
  });
});

describe('how many sessions there may be', () => {
  test('beyond SESSIONS_PER_USER the oldest ends, told and audited, also when many sign in at once', async () => {
    const user = await auth.signUp();
    const later = await Promise.all(Array.from({ length: 6 }, () => login(user)));
    const living = (
      await auth.database.db.select().from(sessions).where(eq(sessions.userId, user.id))
    ).filter(({ revokedAt }) => revokedAt === null);
    expect(living.length).toBe(4);
    expect(await refresh(user.refreshToken)).toBe(401);
    const statuses = await Promise.all(later.map(({ refreshToken }) => refresh(refreshToken)));
    expect(statuses.filter((status) => status === 200).length).toBe(4);
    const reasons = (await eventsOf(user.id)).flatMap(({ type, data }) =>
      type === 'session.revoked' ? [data.reason] : [],
    );
    expect(reasons).toEqual(Array(3).fill('too_many'));
    const audited = await auth.database.db
      .select()
      .from(auditEvents)
      .where(and(eq(auditEvents.userId, user.id), eq(auditEvents.action, 'session.revoked')));
    expect(audited.length).toBe(3);
  });
});

describe('reuse of a refresh token', () => {
  test('ends the family, in the audit log with where it came from, and told to the user', async () => {
    const user = await auth.signUp();
    const second = await auth.call('POST', '/auth/refresh', { body: { refreshToken: user.refreshToken } });
    await refresh(second.body.refreshToken);
    expect(await refresh(user.refreshToken)).toBe(401);
    await eventually(async () => (await statusOf({ token: second.body.accessToken })) === 401);
    const told = (await eventsOf(user.id)).at(-1);
    expect(told).toMatchObject({ type: 'session.revoked', actorId: null, data: { reason: 'reuse' } });
    const rows = await auth.database.db
      .select()
      .from(auditEvents)
      .where(and(eq(auditEvents.userId, user.id), like(auditEvents.action, 'session.%')))
      .orderBy(auditEvents.id);
    expect(rows.map(({ action, personalHash }) => [action, personalHash !== null])).toEqual([
      ['session.reuse_detected', true],
      ['session.revoked', false],
    ]);
  });

  test('within the grace, and while the successor is unused, it gets the same successor', async () => {
    const user = await auth.signUp();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        auth.call('POST', '/auth/refresh', { body: { refreshToken: user.refreshToken } }),
      ),
    );
    const successors = new Set(answers.map(({ body }) => body.refreshToken));
    expect([answers.every(({ status }) => status === 200), successors.size]).toEqual([true, 1]);
    const unused = await auth.database.db
      .select()
      .from(refreshTokens)
      .where(eq(refreshTokens.sessionId, sessionOf(user.token)));
    expect(unused.filter(({ usedAt }) => usedAt === null).length).toBe(1);
  });

  test('a connection that is lost in the middle costs nothing: the same token works again', async () => {
    const user = await auth.signUp();
    const { sql } = auth.database;
    const holder = await sql.reserve();
    await holder`begin`;
    await holder`select 1 from refresh_tokens where hash = ${hashOf(user.refreshToken)} for update`;
    const lost = auth.call('POST', '/auth/refresh', { body: { refreshToken: user.refreshToken } });
    await eventually(async () => {
      const ended = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%refresh_tokens%'`;
      return ended.length > 0;
    });
    expect((await lost).status).toBe(503);
    await holder`rollback`;
    holder.release();
    expect(await refresh(user.refreshToken)).toBe(200);
  });
});

describe('when sessions were last used', () => {
  test('a request shows at once, and is written in one go, later', async () => {
    const user = await auth.signUp();
    const id = sessionOf(user.token);
    const long = new Date(Date.now() - 3_600_000);
    await auth.database.db.update(sessions).set({ lastUsedAt: long }).where(eq(sessions.id, id));
    const stored = async () =>
      (await auth.database.db.select().from(sessions).where(eq(sessions.id, id)))[0]?.lastUsedAt.getTime() ??
      0;
    const [shown] = (await list(user)).items;
    expect(Date.parse(shown.lastUsedAt)).toBeGreaterThan(long.getTime() + 3_000_000);
    expect(await stored()).toBe(long.getTime());
    await auth.deps.lastUse.flush();
    expect(await stored()).toBeGreaterThan(long.getTime() + 3_000_000);
  });

  test('notes are bounded, and an older one never overwrites a newer use', async () => {
    const user = await auth.signUp();
    const id = sessionOf(user.token);
    const lastUse = createLastUse({ db: auth.database.db, redis: undefined, log: auth.deps.log });
    lastUse.touch(id);
    const future = new Date(Date.now() + 60_000);
    await auth.database.db.update(sessions).set({ lastUsedAt: future }).where(eq(sessions.id, id));
    const ids = Array.from({ length: 12_000 }, () => Bun.randomUUIDv7());
    for (const each of ids) lastUse.touch(each);
    expect((await lastUse.read(ids)).size).toBe(9999);
    await lastUse.flush();
    expect((await lastUse.read(ids)).size).toBe(0);
    const [row] = await auth.database.db.select().from(sessions).where(eq(sessions.id, id));
    expect(row?.lastUsedAt).toEqual(future);
  });
});

describeWith('redis-server')('when sessions were last used, on Redis', () => {
  let server: TestRedis;
  let redis: RedisClient;
  beforeAll(async () => {
    server = await startRedis();
    redis = openRedis(server.url, createLog('test', 'silent'));
    await whenReady(redis);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  test('one replica notes, another shows and moves it to Postgres; without Redis it goes there by itself', async () => {
    const user = await auth.signUp();
    const id = sessionOf(user.token);
    const { db } = auth.database;
    const [one, two] = [0, 1].map(() => createLastUse({ db, redis, log: auth.deps.log }));
    if (one === undefined || two === undefined) throw new Error('two were made');
    const long = new Date(Date.now() - 3_600_000);
    const reset = () => db.update(sessions).set({ lastUsedAt: long }).where(eq(sessions.id, id));
    const stored = async () =>
      (await db.select().from(sessions).where(eq(sessions.id, id)))[0]?.lastUsedAt.getTime() ?? 0;
    await reset();
    one.touch(id);
    await one.flush();
    expect(await stored()).toBe(long.getTime());
    expect((await two.read([id])).get(id)).toBeGreaterThan(long.getTime());
    await two.move();
    expect(await stored()).toBeGreaterThan(long.getTime());
    expect((await two.read([id])).size).toBe(0);
    await reset();
    process.kill(server.pid, 'SIGKILL');
    await eventually(() => redis.status !== 'ready');
    one.touch(id);
    await one.flush();
    expect(await stored()).toBeGreaterThan(long.getTime());
  });
});

describe('the sweep', () => {
  test('deletes sessions that are over, spent tokens and what works once, and nothing that lives', async () => {
    const { db } = auth.database;
    const ago = (days: number) => new Date(Date.now() - days * 86_400_000);
    const [living, expired, revoked, fresh] = await Promise.all([
      auth.signUp(),
      auth.signUp(),
      auth.signUp(),
      auth.signUp(),
    ]);
    const idOf = ({ token }: User) => sessionOf(token);
    await refresh(living.refreshToken);
    await refresh(fresh.refreshToken);
    const spent = hashOf(living.refreshToken);
    await db
      .update(refreshTokens)
      .set({ usedAt: ago(31) })
      .where(eq(refreshTokens.hash, spent));
    await db
      .update(sessions)
      .set({ expiresAt: ago(2) })
      .where(eq(sessions.id, idOf(expired)));
    await db
      .update(sessions)
      .set({ revokedAt: ago(2) })
      .where(eq(sessions.id, idOf(revoked)));
    const once = (hash: string, expiresAt: Date) =>
      ({ hash, purpose: 'verify_email', userId: living.id, expiresAt }) as const;
    await db.insert(oneTimeTokens).values([once('swept', ago(0.01)), once('kept', ago(-1))]);
    const challenge = (challengeText: string, expiresAt: Date) => ({
      id: Bun.randomUUIDv7(),
      challenge: challengeText,
      expiresAt,
    });
    await db.insert(challenges).values([challenge('swept', ago(0.01)), challenge('kept', ago(-1))]);
    await sweepSessions(db, 30);
    const left = (await db.select({ id: sessions.id }).from(sessions)).map(({ id }) => id);
    expect([living, expired, revoked, fresh].map((user) => left.includes(idOf(user)))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    const hashes = (await db.select().from(refreshTokens)).map(({ hash }) => hash);
    expect([living, fresh].map(({ refreshToken }) => hashes.includes(hashOf(refreshToken)))).toEqual([
      false,
      true,
    ]);
    expect((await db.select().from(oneTimeTokens)).map(({ hash }) => hash)).not.toContain('swept');
    expect((await db.select().from(oneTimeTokens)).map(({ hash }) => hash)).toContain('kept');
    expect((await db.select().from(challenges)).map(({ challenge: text }) => text)).toEqual(['kept']);
  });
});
