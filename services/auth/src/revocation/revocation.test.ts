import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { postgresBus } from '@tertulia/shared/live/postgres-bus';
import { eventually } from '@tertulia/shared/testing/eventually';
import { BEAT_TOPIC, parseBeat } from '@tertulia/shared/tokens/revocation-beat';
import { serviceSecretOf } from '@tertulia/shared/tokens/service-secret';
import { revocations as table } from '@tertulia/shared/tokens/tables';
import { sql } from 'drizzle-orm';
import { createTestApp } from '../test-app.ts';
import { startBeat } from './beat.ts';
import { endSessions } from './revoke.ts';

const SECRET = 'a secret of the services, long enough';
let auth: Awaited<ReturnType<typeof createTestApp>>;
beforeAll(async () => {
  auth = await createTestApp({ SERVICE_SECRET: SECRET });
});
afterAll(() => auth.close());

const ask = (body: unknown) => auth.call('POST', '/auth/service-tokens', { body });

async function serviceToken(): Promise<{ token: string }> {
  const { status, body } = await ask({ service: 'comments', secret: SECRET });
  expect([status, body.tokenType, body.expiresIn]).toEqual([200, 'Bearer', 300]);
  return { token: body.accessToken };
}

const since = async (as: { token: string }, seq: number) =>
  (await auth.call('GET', `/auth/revocations?since=${seq}`, { as })).body;

const sessionOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid;

describe('POST /auth/service-tokens', () => {
  test('401 for a wrong secret, 422 for a service that is none; the secret is not told', async () => {
    for (const secret of ['wrong', serviceSecretOf({}), SECRET.slice(0, -1), `${SECRET}x`]) {
      const answer = await ask({ service: 'comments', secret });
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
      expect(JSON.stringify(answer.body)).not.toContain(SECRET.slice(0, 8));
    }
    for (const service of ['auth', 'web', '', 7]) {
      expect((await ask({ service, secret: SECRET })).status).toBe(422);
    }
  });

  test('429 for who guesses; right ones do not count', async () => {
    const strict = await createTestApp({ SERVICE_SECRET: SECRET, RATE_LIMIT_SCALE: '0.05' });
    const attempt = async (secret: string) =>
      (await strict.call('POST', '/auth/service-tokens', { body: { service: 'media', secret } })).status;
    for (let n = 0; n < 10; n++) expect(await attempt(SECRET)).toBe(200);
    const guesses: number[] = [];
    for (let n = 0; n < 5; n++) guesses.push(await attempt('wrong'));
    expect(guesses).toEqual([401, 401, 401, 429, 429]);
    await strict.close();
  });

  test('a service’s token opens no route for people, a person’s no route for services', async () => {
    const [service, person, admin] = [await serviceToken(), await auth.signUp(), await auth.signUp('ADMIN')];
    for (const path of ['/auth/profile', '/auth/sessions', '/auth/users']) {
      expect((await auth.call('GET', path, { as: service })).status).toBe(401);
    }
    expect((await auth.call('POST', '/auth/logout', { as: service })).status).toBe(401);
    for (const as of [person, admin]) {
      expect((await auth.call('GET', '/auth/revocations', { as })).status).toBe(401);
    }
    expect((await auth.call('GET', '/auth/revocations')).status).toBe(401);
    expect((await auth.call('GET', '/auth/revocations', { as: service })).status).toBe(200);
  });
});

describe('GET /auth/revocations', () => {
  test('what was revoked: ids and times, and from where to ask next, with nothing left out', async () => {
    const [as, user] = [await serviceToken(), await auth.signUp()];
    const before = (await since(as, 0)).next;
    await auth.call('POST', '/auth/logout', { as: user });
    const { items, next, more } = await since(as, before);
    const last = items.at(-1);
    expect(last).toEqual({
      seq: expect.any(Number),
      userId: user.id,
      sessionIds: [sessionOf(user.token)],
      minGeneration: null,
      kids: [],
      expiresAt: expect.any(String),
    });
    expect(more).toBe(false);
    // Lately, so that it comes again: one with a lower number may still be about to be committed.
    expect(next).toBeLessThan(last.seq);
    const left = (Date.parse(last.expiresAt) - Date.now()) / 1000;
    expect(left).toBeGreaterThan(900);
  });

  test('one that commits late, with a lower number, is not missed', async () => {
    const [as, slow, quick] = [await serviceToken(), await auth.signUp(), await auth.signUp()];
    const { promise, resolve } = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const late = auth.database.db.transaction(async (tx) => {
      const cause = { actorId: null, reason: 'test', lifeSeconds: 900 };
      await endSessions(tx, slow.id, 'all', cause);
      written.resolve();
      await promise;
    });
    await written.promise;
    await auth.call('POST', '/auth/logout', { as: quick });
    const first = await since(as, 0);
    expect(first.items.at(-1).userId).toBe(quick.id);
    resolve();
    await late;
    const users = (await since(as, first.next)).items.map(({ userId }: { userId: string }) => userId);
    expect(users).toContain(slow.id);
  });

  test('pages of a thousand, in order, without what has run out; 422 for nonsense', async () => {
    const as = await serviceToken();
    const { next: start } = await since(as, 0);
    await auth.database.db.execute(sql`
      insert into ${table} (user_id, session_ids, expires_at, created_at)
      select gen_random_uuid(), '{}', now() + (case when n % 2 = 0 then 1 else -1 end) * interval '1 hour',
        now() - interval '1 hour'
      from generate_series(1, 4400) as n`);
    const seen: number[] = [];
    for (let from = start, more = true; more; ) {
      const page = await since(as, from);
      expect(page.items.length).toBeLessThanOrEqual(1000);
      seen.push(...page.items.map(({ seq }: { seq: number }) => seq));
      ({ next: from, more } = page);
    }
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(new Set(seen).size).toBeGreaterThanOrEqual(2200);
    for (const query of ['since=-1', 'since=x', 'since=1e999', 'since=1.5', 'since=99999999999999999999']) {
      expect((await auth.call('GET', `/auth/revocations?${query}`, { as })).status).toBe(422);
    }
  });
});

describe('the beat', () => {
  test('names what was revoked right after the commit, and goes on by itself', async () => {
    const bus = await postgresBus(auth.database.sql);
    const beats: number[][] = [];
    await bus.subscribe(BEAT_TOPIC, (message) => beats.push(parseBeat(message) ?? []));
    const { database } = auth;
    const { revocations, log } = auth.deps;
    const beat = await startBeat({ database, bus, revocations, log });
    await eventually(() => beats.length >= 3);
    const user = await auth.signUp();
    await auth.call('POST', '/auth/logout', { as: user });
    const [row] = await auth.database.db
      .select({ seq: table.seq })
      .from(table)
      .where(sql`${table.userId} = ${user.id}`);
    await eventually(() => beats.at(-1)?.includes(row?.seq ?? -1));
    expect(beats.every((seqs) => seqs.length <= 100)).toBe(true);
    await beat.stop();
    await bus.close();
  });
});
