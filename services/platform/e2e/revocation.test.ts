import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { eventually } from '@tertulia/shared/testing/eventually';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { describeWith } from '@tertulia/shared/testing/needs';
import { startRedis, type TestRedis } from '@tertulia/shared/testing/redis';
import { WHOLE } from '@tertulia/shared/testing/whole';
import { type Gate, startGate } from './gate.ts';
import { ask } from './people.ts';
import {
  ACTS,
  ADMIN,
  makeReady,
  openSockets,
  perform,
  type Ready,
  refusals,
  round,
  routesOf,
  signIn,
  signUpTwice,
  statusOf,
  type Two,
} from './revocation.ts';
import { type Stack, startStack } from './stack.ts';

const FAULT_ROUNDS = 5;
const ROUNDS = WHOLE ? 50 : FAULT_ROUNDS;
const KILLS = WHOLE ? 5 : 1;

type Bystander = { person: Two; refused(): number; asked(): number; stop(): Promise<void> };

let redis: TestRedis | undefined;
let gate: Gate;
let stack: Stack;
let adminToken: string;
let bystander: Bystander;
let count = 0;

async function open(settings: Record<string, string>) {
  gate = startGate();
  stack = await startStack(
    {
      AUTH_URL: gate.url,
      RATE_LIMIT_SCALE: '1000',
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      ...settings,
    },
    { comments: 2, notifications: 2 },
  );
  gate.aim(stack.url('auth'));
  // Auth listens a moment before it has made its first administrator.
  adminToken = await eventually(() => signIn(stack, ADMIN.email, ADMIN.password), { ms: 30_000 });
  bystander = await watch();
}

async function close() {
  await bystander?.stop();
  await stack?.stop();
  await gate?.stop();
  await redis?.stop();
  redis = undefined;
}

/** Somebody whom no revocation concerns, and who calls every process all the while. */
async function watch(): Promise<Bystander> {
  const person = await signUpTwice(stack, `bystander${++count}`);
  let [refused, asked, stopped] = [0, 0, false];
  const calling = (async () => {
    while (!stopped) {
      for (const route of routesOf(stack)) {
        // A process that is being restarted refuses nobody.
        const status = await statusOf(route, person.here).catch(() => 0);
        if (status !== 0) asked++;
        if (status === 401) refused++;
      }
      await Bun.sleep(50);
    }
  })();
  return {
    person,
    refused: () => refused,
    asked: () => asked,
    async stop() {
      stopped = true;
      await calling;
    },
  };
}

/**
 * Rounds of every act in turn; what the slowest process took is told, act by act. `fault` comes when people
 * have signed in, which takes more than these tests are about.
 */
async function rounds(what: string, total: number, fault = () => {}): Promise<void> {
  const ready: Ready[] = [];
  for (let n = 0; n < total; n++) {
    ready.push(await makeReady(stack, ACTS[n % ACTS.length] ?? 'logout', `person${++count}`));
  }
  fault();
  const times: { act: string; ms: number }[] = [];
  for (const each of ready) times.push({ act: each.act, ms: await round(stack, each, adminToken) });
  const sorted = times.map(({ ms }) => ms).sort((a, b) => a - b);
  const worst = ACTS.map((act) => {
    const own = times.filter((time) => time.act === act).map(({ ms }) => ms);
    return `${act} ${Math.round(Math.max(0, ...own))}`;
  });
  const median = Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
  console.log(
    `revocation, ${what}: ${total} rounds, median ${median} ms; slowest by act, ms: ${worst.join(', ')}`,
  );
}

/** A session that has just been ended, and is known everywhere to be. */
async function deadToken(): Promise<string> {
  const two = await signUpTwice(stack, `person${++count}`);
  await perform(stack, 'logout', two, adminToken);
  await eventually(async () => (await refusals(stack, two.here)).every(Boolean), { ms: 30_000, every: 20 });
  return two.here;
}

/** Everything but auth is started anew while auth is away: what it told before is in their databases. */
async function restartWithoutAuth(): Promise<void> {
  const token = await deadToken();
  gate.shut();
  const others = ['media', 'comments', 'notifications'] as const;
  await Promise.all(others.map((service) => stack.kill(service)));
  await stack.kill('auth');
  await Promise.all(others.map(stack.start));
  const elsewhere = routesOf(stack).filter((route) => !route.startsWith(stack.url('auth')));
  for (const route of elsewhere) {
    expect([route, await statusOf(route, token)]).toEqual([route, 401]);
    expect(await statusOf(route, bystander.person.here)).not.toBe(401);
  }
  await stack.start('auth');
  gate.open();
}

function describeAlways() {
  test(
    `${ROUNDS} rounds of five acts: every process refuses, every socket is closed, nobody else is touched`,
    () => rounds('all well', ROUNDS),
    HANG_MS,
  );

  test(
    'as long as its beat is heard, auth is not asked',
    async () => {
      await deadToken();
      // Five processes would ask within a second, each second, if they heard no beat.
      const atRest = async () => {
        const before = gate.asked();
        await Bun.sleep(3000);
        return gate.asked() === before;
      };
      await eventually(atRest, { ms: 60_000 });
    },
    HANG_MS,
  );

  test(
    'services cannot reach auth: the events are enough',
    async () => {
      gate.shut();
      await rounds('services cannot reach auth', FAULT_ROUNDS);
      gate.open();
    },
    HANG_MS,
  );
}

/** What brought the news makes no difference to who starts anew, so once is enough where time is short. */
function describeRestarts() {
  test('services that are restarted while auth is down still refuse', restartWithoutAuth, HANG_MS);

  test(
    'a reader is killed right after the act',
    async () => {
      for (let n = 0; n < KILLS; n++) {
        const two = await signUpTwice(stack, `person${++count}`);
        await refusals(stack, two.here);
        await perform(stack, 'logout', two, adminToken);
        await stack.kill('comments');
        await stack.start('comments');
        await eventually(async () => (await refusals(stack, two.here)).every(Boolean), { ms: 30_000 });
      }
    },
    HANG_MS,
  );
}

/** Sign-ins wait for a Redis that does not answer, so these take their time. */
function describeLostRedis() {
  test(
    'with Redis stopped, auth is asked; and when it is back, it is not',
    async () => {
      if (redis === undefined) throw new Error('no Redis');
      const { pid } = redis;
      await rounds('Redis stands still', FAULT_ROUNDS, () => process.kill(pid, 'SIGSTOP'));
      process.kill(pid, 'SIGCONT');
      await redis.restart('SIGKILL');
      await rounds('Redis is back', FAULT_ROUNDS);
    },
    HANG_MS,
  );

  test(
    'with Redis gone',
    async () => {
      if (redis === undefined) throw new Error('no Redis');
      process.kill(redis.pid, 'SIGKILL');
      await rounds('Redis is gone', FAULT_ROUNDS);
    },
    HANG_MS,
  );
}

/** The last of all, as everybody's token is concerned. */
function describeLeakedKey() {
  test(
    'a leaked key: no process takes its tokens, every socket is told to come back, and a refresh goes on',
    async () => {
      const at = (path: string) => `${stack.url('auth')}/auth/${path}`;
      const body = {
        username: `person${++count}`,
        email: `person${count}@example.org`,
        password: 'correct horse battery',
      };
      const { accessToken, refreshToken } = await ask('POST', at('register'), { body });
      expect(await refusals(stack, accessToken)).not.toContain(true);
      const sockets = await openSockets(stack, accessToken);
      const as = { id: '', username: '', token: adminToken };
      await ask('POST', at('keys/rotate'), { as, body: { revoke: true } });
      const answered = performance.now();
      await eventually(
        async () =>
          (await refusals(stack, accessToken)).every(Boolean) && sockets.closes.length === sockets.count,
        { ms: HANG_MS, every: 20 },
      );
      console.log(`a leaked key: refused everywhere after ${Math.round(performance.now() - answered)} ms`);
      expect(new Set(sockets.closes)).toEqual(new Set([3005]));
      const fresh = await ask('POST', at('refresh'), { body: { refreshToken } });
      expect(await refusals(stack, fresh.accessToken)).not.toContain(true);
    },
    HANG_MS,
  );
}

function expectNobodyElse() {
  test('good tokens were never refused meanwhile', async () => {
    const { asked, refused, person } = bystander;
    const sessions = await ask('GET', `${stack.url('auth')}/auth/sessions`, {
      as: { ...person, username: '', token: person.here },
    });
    expect(sessions.items).toHaveLength(2);
    expect(asked()).toBeGreaterThan(100);
    expect(refused()).toBe(0);
  });
}

describe('revoked tokens, with Postgres alone', () => {
  beforeAll(() => open({}), HANG_MS);
  afterAll(close, HANG_MS);
  describeAlways();
  describeRestarts();
  expectNobodyElse();
  describeLeakedKey();
});

describeWith('redis-server')('revoked tokens, on Redis', () => {
  beforeAll(async () => {
    redis = await startRedis();
    await open({ EVENTS_REDIS_URL: redis.url, AUTH_REDIS_URL: redis.url });
  }, HANG_MS);
  afterAll(close, HANG_MS);
  describeAlways();

  test(
    'after FLUSHALL',
    async () => {
      let flushed = 0;
      const flushing = setInterval(() => {
        Bun.$`redis-cli -u ${redis?.url} flushall`.quiet().then(() => flushed++);
      }, 100);
      await rounds('with FLUSHALL all the time', FAULT_ROUNDS).finally(() => clearInterval(flushing));
      expect(flushed).toBeGreaterThan(FAULT_ROUNDS);
    },
    HANG_MS,
  );

  if (WHOLE) {
    describeRestarts();
    describeLostRedis();
  }

  expectNobodyElse();
  describeLeakedKey();
});
