import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { parseEnv } from '@tertulia/shared/config/env';
import { outbox } from '@tertulia/shared/events/tables';
import { Problem } from '@tertulia/shared/http/problem';
import { createLimits, type Limits } from '@tertulia/shared/limits/limits';
import { createLog } from '@tertulia/shared/runtime/log';
import type { Loop } from '@tertulia/shared/runtime/loop';
import { openRedis, type RedisClient, whenReady } from '@tertulia/shared/stores/redis';
import { eventually } from '@tertulia/shared/testing/eventually';
import { describeWith } from '@tertulia/shared/testing/needs';
import { startRedis, type TestRedis } from '@tertulia/shared/testing/redis';
import { and, eq, isNull, like } from 'drizzle-orm';
import { auditEvents } from '../db/schema.ts';
import { authEnv } from '../env.ts';
import { createTestApp } from '../test-app.ts';
import { type Mailbox, openMailbox, startSender, tokenIn } from '../testing/mailbox.ts';
import { createLockout } from './lockout.ts';

let mailbox: Mailbox;
let own: Awaited<ReturnType<typeof createTestApp>>;
let sender: Loop;
beforeAll(async () => {
  mailbox = await openMailbox();
  own = await createTestApp({ RATE_LIMIT_SCALE: '1', SMTP_URL: mailbox.url });
  sender = startSender(own);
});
afterAll(async () => {
  await sender.stop();
  await own.close();
  await mailbox.close();
});

let addresses = 0;
/** An address that nobody has used yet. */
const elsewhere = () => `10.0.${Math.floor(++addresses / 250)}.${addresses % 250}`;

type Way = { from?: string; headers?: Record<string, string> };

/** Signs in from an address, as the server would see it. */
async function login(email: string, password: string, { from = elsewhere(), headers = {} }: Way = {}) {
  const init = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ email, password }),
  };
  const response = await own.app.request('/auth/login', init, { requestIp: () => from });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Fails so often, each time from another address. */
async function fail(email: string, times: number, headers: Record<string, string> = {}) {
  const statuses: number[] = [];
  for (let n = 0; n < times; n++) statuses.push((await login(email, 'guessed wrong', { headers })).status);
  return statuses;
}

async function deviceOf(user: { email: string; password: string }) {
  const { headers } = await login(user.email, user.password);
  return { 'X-Device-Token': headers.get('X-Device-Token') ?? '' };
}

describe('an account that strangers try', () => {
  test('is locked after five failures from anywhere, for no longer than the window', async () => {
    const user = await own.signUp();
    expect(await fail(user.email, 7)).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const locked = await login(user.email, user.password);
    expect([locked.status, locked.body.code]).toEqual([429, 'rate_limited']);
    expect(Number(locked.headers.get('Retry-After'))).toBeLessThanOrEqual(900);
    expect(locked.headers.get('RateLimit-Limit')).toBe('5');
    expect(locked.headers.get('RateLimit-Remaining')).toBe('0');
  });

  test('is locked whether it exists or not, with the same answers', async () => {
    const { email } = await own.signUp();
    const shapes = [];
    for (const address of [email, 'nobody@example.org']) {
      const statuses = await fail(address, 5);
      const { status, body, headers } = await login(address, 'guessed wrong');
      const same = { ...body, requestId: '', detail: '' };
      shapes.push({ statuses, status, same, names: [...headers.keys()].sort() });
    }
    expect(shapes[0]).toEqual(shapes[1]);
  });

  test('of many guesses at once, five are looked at', async () => {
    const { email } = await own.signUp();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => login(email, 'guessed wrong', { from: `192.0.2.${n}` })),
    );
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(35);
  });

  test('who signs in many times at once, on many cores, is refused nowhere; who guesses gets five', async () => {
    const env = parseEnv(authEnv, {});
    const { attempt } = createLockout({ env, limits: createLimits({ scale: 1 }) });
    /** Twelve at once, which look at the password together, as with twelve cores. */
    const many = (account: string, isRight: boolean) => {
      const { promise: gate, resolve: open } = Promise.withResolvers<void>();
      let looking = 0;
      const attempts = Array.from({ length: 12 }, (_, n) =>
        attempt({ account, address: `10.9.9.${n}`, device: undefined }, async (turn) => {
          await turn();
          if (++looking === 5) open();
          await gate;
          return isRight;
        }).then(
          (failure) => (failure === undefined ? 'in' : 'wrong'),
          (error) => (error as Problem).code,
        ),
      );
      return Promise.all(attempts);
    };
    expect(new Set(await many('owner', true))).toEqual(new Set(['in']));
    const guesses = await many('victim', false);
    expect(guesses.filter((outcome) => outcome === 'wrong')).toHaveLength(5);
    expect(guesses.filter((outcome) => outcome === 'rate_limited')).toHaveLength(7);
  });

  test('can be entered by its owner from a device that it knows', async () => {
    const user = await own.signUp();
    const device = await deviceOf(user);
    await fail(user.email, 6);
    expect((await login(user.email, user.password)).status).toBe(429);
    expect((await login(user.email, user.password, { headers: device })).status).toBe(200);
    // And that gives the strangers nothing.
    expect((await login(user.email, 'guessed wrong')).status).toBe(429);
  });

  test('such a device has a budget of its own, and does not lock others out', async () => {
    const user = await own.signUp();
    const device = await deviceOf(user);
    expect(await fail(user.email, 6, device)).toEqual([401, 401, 401, 401, 401, 429]);
    expect((await login(user.email, user.password)).status).toBe(200);
  });

  test('a device of one account is a stranger to another', async () => {
    const [mallory, victim] = [await own.signUp(), await own.signUp()];
    const device = await deviceOf(mallory);
    expect((await fail(victim.email, 6, device)).at(-1)).toBe(429);
    expect((await login(victim.email, victim.password, { headers: device })).status).toBe(429);
  });

  test('can be entered after a reset by mail, at once', async () => {
    const user = await own.signUp();
    await fail(user.email, 6);
    await own.call('POST', '/auth/password/forgot', { body: { email: user.email } });
    const token = tokenIn(await mailbox.wait(user.email, /new password/));
    const password = 'an entirely new one';
    const reset = await own.call('POST', '/auth/password/reset', { body: { token, password } });
    expect(reset.status).toBe(204);
    const headers = { 'X-Device-Token': reset.headers.get('X-Device-Token') ?? '' };
    expect((await login(user.email, password)).status).toBe(200);
    await fail(user.email, 6);
    expect((await login(user.email, password, { headers })).status).toBe(200);
  });

  test('does not keep its owner from changing the password where they are signed in', async () => {
    const user = await own.signUp();
    await fail(user.email, 6);
    const body = { currentPassword: user.password, newPassword: 'an entirely new one' };
    expect((await own.call('PUT', '/auth/password', { as: user, body })).status).toBe(204);
  });
});

describe('an address that tries many accounts', () => {
  test('is locked after twenty failures, for every account, and no other address is', async () => {
    const user = await own.signUp();
    const from = elsewhere();
    const statuses: number[] = [];
    for (let n = 0; n < 21; n++) statuses.push((await login(`a${n}@example.org`, 'wrong', { from })).status);
    expect(statuses).toEqual([...Array(20).fill(401), 429]);
    expect((await login(user.email, user.password, { from })).status).toBe(429);
    expect((await login(user.email, user.password)).status).toBe(200);
  });

  test('is not used up by attempts at an account that is locked', async () => {
    const [user, other] = [await own.signUp(), await own.signUp()];
    const from = elsewhere();
    await fail(user.email, 5);
    for (let n = 0; n < 30; n++) {
      expect((await login(user.email, 'guessed wrong', { from })).status).toBe(429);
    }
    expect((await login(other.email, other.password, { from })).status).toBe(200);
  });
});

test('a wrong current password counts: for the session, and for the account', async () => {
  const user = await own.signUp();
  const body = { currentPassword: 'guessed wrong', newPassword: 'an entirely new one' };
  const change = () => own.call('PUT', '/auth/password', { as: user, body });
  for (let n = 0; n < 5; n++) expect((await change()).status).toBe(401);
  const refused = await change();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('Retry-After'))).toBeLessThanOrEqual(900);
  expect((await login(user.email, 'guessed wrong')).status).toBe(429);
});

describe('what failures leave behind', () => {
  const eventsOf = (userId: string) =>
    own.database.db.$count(
      outbox,
      and(eq(outbox.subject, `user:${userId}`), like(outbox.envelope, '%"login.failed"%')),
    );

  test('each is audited; the user hears of the first, and of the one that locks', async () => {
    const user = await own.signUp();
    await fail(user.email, 4);
    expect(await eventsOf(user.id)).toBe(1);
    await fail(user.email, 20);
    expect(await eventsOf(user.id)).toBe(2);
    const rows = await own.database.db.select().from(auditEvents).where(eq(auditEvents.userId, user.id));
    const count = (action: string) => rows.filter((row) => row.action === action).length;
    expect([count('login.failed'), count('login.locked')]).toEqual([5, 1]);
  });

  test('an account that does not exist is audited without a user, and nobody hears of it', async () => {
    const { db } = own.database;
    const of = (action: string) =>
      db.$count(auditEvents, and(isNull(auditEvents.userId), eq(auditEvents.action, action)));
    const told = () => db.$count(outbox, like(outbox.envelope, '%"login.failed"%'));
    const before = [await of('login.failed'), await of('login.locked'), await told()] as const;
    await fail('stranger@example.org', 6);
    expect(await of('login.failed')).toBe(before[0] + 5);
    expect(await of('login.locked')).toBe(before[1] + 1);
    expect(await told()).toBe(before[2]);
  });

  test('a right password leaves login.succeeded, with where from apart', async () => {
    const user = await own.signUp();
    await login(user.email, user.password, { from: '203.0.113.77' });
    const rows = await own.database.db.select().from(auditEvents).where(eq(auditEvents.userId, user.id));
    expect(rows.find(({ action }) => action === 'login.succeeded')).toMatchObject({
      actorId: user.id,
      after: { mfa: false, newDevice: true },
    });
    expect(JSON.stringify(rows)).not.toContain('203.0.113.77');
  });
});

const aim = { account: 'ana', address: '203.0.113.1', device: undefined };
const wrong = async (turn: () => Promise<void>) => {
  await turn();
  return false;
};
const lockoutOn = (limits: Limits, settings: Record<string, string> = {}) =>
  createLockout({ env: parseEnv(authEnv, settings), limits });

function contract(limits: () => Limits) {
  test('the first failure and the one that locks are told apart, and a lift opens', async () => {
    const lockout = lockoutOn(limits());
    const seen = [];
    for (let n = 0; n < 5; n++) seen.push(await lockout.attempt({ ...aim, account: 'berta' }, wrong));
    expect(seen.map((failure) => [failure?.first, failure?.locks])).toEqual([
      [true, false],
      [false, false],
      [false, false],
      [false, false],
      [false, true],
    ]);
    const refusal = await lockout
      .attempt({ ...aim, account: 'berta' }, wrong)
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'rate_limited' });
    await lockout.lift('berta');
    expect(await lockout.attempt({ ...aim, account: 'berta' }, wrong)).toMatchObject({ first: true });
  });

  test('a lock opens by itself, and knocking does not lengthen it', async () => {
    const lockout = lockoutOn(limits(), { LOGIN_WINDOW_SECONDS: '1' });
    const from = { ...aim, account: 'emma', address: '203.0.113.3' };
    const attempt = () => lockout.attempt(from, wrong).catch((error: unknown) => error);
    const attempts = await Promise.all(Array.from({ length: 8 }, attempt));
    expect(attempts.filter((outcome) => outcome instanceof Problem)).toHaveLength(3);
    // Knocking all the while, far more often than once in a window.
    const next = await eventually(async () => {
      const outcome = await attempt();
      return outcome instanceof Problem ? undefined : outcome;
    });
    expect(next).toMatchObject({ first: true });
  });

  test('an attempt that comes to nothing is not counted', async () => {
    const lockout = lockoutOn(limits());
    const from = { ...aim, account: 'carla', address: '203.0.113.2' };
    for (let n = 0; n < 30; n++) {
      const broken = lockout.attempt(from, async (turn) => {
        await turn();
        throw new Error('the database is away');
      });
      expect(await broken.catch((error: Error) => error.message)).toBe('the database is away');
    }
    const unheard = lockout.attempt(from, () => Promise.reject(new Error('the queue is full')));
    expect(await unheard.catch((error: Error) => error.message)).toBe('the queue is full');
    expect(await lockout.attempt(from, wrong)).toMatchObject({ first: true });
  });
}

describe('the lockout in memory', () => contract(() => createLimits({ scale: 1 })));

describeWith('redis-server')('the lockout on Redis', () => {
  let server: TestRedis;
  const clients: RedisClient[] = [];
  beforeAll(async () => {
    server = await startRedis();
    for (let n = 0; n < 2; n++) clients.push(openRedis(server.url, createLog('test', 'silent')));
    await Promise.all(clients.map((client) => whenReady(client)));
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await server.stop();
  });

  contract(() => createLimits({ redis: clients[0], scale: 1 }));

  test('is one for all replicas', async () => {
    const replicas = clients.map((redis) => lockoutOn(createLimits({ redis, scale: 1 })));
    const attempts = Array.from({ length: 20 }, (_, n) =>
      replicas[n % 2]?.attempt({ ...aim, account: 'diana', address: `192.0.2.${n}` }, wrong),
    );
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
  });
});
