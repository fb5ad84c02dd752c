import { describe, expect, test } from 'bun:test';
import { createLog } from '../runtime/log.ts';
import { openRedis, whenReady } from '../stores/redis.ts';
import { eventually } from '../testing/eventually.ts';
import { describeWith } from '../testing/needs.ts';
import { startRedis } from '../testing/redis.ts';
import { createLimits, type Limit } from './limits.ts';

const rule = { name: 'test', points: 3, seconds: 60 };

async function spend(limit: Limit, key: string, times: number): Promise<number> {
  const outcomes = await Promise.allSettled(Array.from({ length: times }, () => limit.consume(key)));
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}

describe('limits in memory', () => {
  test('let so many through, per key, and say when to come back', async () => {
    const limit = createLimits({ scale: 1 })(rule);
    expect(await spend(limit, 'a', 10)).toBe(3);
    expect(await spend(limit, 'b', 2)).toBe(2);
    const refused = await limit.consume('a').catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'rate_limited',
      headers: { 'RateLimit-Limit': '3', 'RateLimit-Remaining': '0' },
    });
    await limit.reset('a');
    await limit.consume('a');
  });

  test('a check refuses where an act would be refused, and counts nothing', async () => {
    const limit = createLimits({ scale: 1 })(rule);
    for (let n = 0; n < 10; n++) await limit.check('a');
    expect(await limit.consume('a')).toEqual({ used: 1, left: 2 });
    expect(await spend(limit, 'a', 2)).toBe(2);
    expect(await limit.check('a').catch((error: unknown) => error)).toMatchObject({ code: 'rate_limited' });
    await limit.check('b');
  });

  test('what is taken back may be spent again; the scale multiplies', async () => {
    const limit = createLimits({ scale: 1 })(rule);
    await spend(limit, 'a', 3);
    await limit.undo('a');
    expect(await spend(limit, 'a', 3)).toBe(1);
    expect(await spend(createLimits({ scale: 10 })(rule), 'a', 40)).toBe(30);
  });
});

describeWith('redis-server')('limits on Redis', () => {
  test('are shared by replicas; a lost Redis neither opens the gates nor shuts them', async () => {
    const server = await startRedis();
    const log = createLog('test', 'silent');
    const [one, two] = [openRedis(server.url, log), openRedis(server.url, log)];
    await Promise.all([whenReady(one), whenReady(two)]);
    const limits = [
      createLimits({ redis: one, scale: 1 })(rule),
      createLimits({ redis: two, scale: 1 })(rule),
    ];
    const passed = await Promise.all(limits.map((limit) => spend(limit, 'a', 5)));
    expect(passed.reduce((sum, count) => sum + count, 0)).toBe(3);
    for (const limit of limits) expect(limit.check('a')).rejects.toMatchObject({ code: 'rate_limited' });
    await server.stop();
    for (const limit of limits) expect(await spend(limit, 'b', 10)).toBe(3);
    one.disconnect();
    two.disconnect();
  });

  test('a Redis that hangs is waited for once; when it answers again, it counts again', async () => {
    const server = await startRedis();
    const log = createLog('test', 'silent');
    const silenceMs = 200;
    const [one, two] = [openRedis(server.url, log, { silenceMs }), openRedis(server.url, log, { silenceMs })];
    await Promise.all([whenReady(one), whenReady(two)]);
    const [mine, theirs] = [
      createLimits({ redis: one, scale: 1 })(rule),
      createLimits({ redis: two, scale: 1 })(rule),
    ];
    await mine.consume('before');
    process.kill(server.pid, 'SIGSTOP');
    let waits = 0;
    let passed = 0;
    for (let n = 0; n < 20; n++) {
      // Only a client that is ready has anything to wait for.
      if (one.status === 'ready') waits++;
      passed += await spend(mine, `${n % 2}`, 1);
    }
    expect({ waits, passed }).toEqual({ waits: 1, passed: 6 });
    process.kill(server.pid, 'SIGCONT');
    await eventually(() => one.status === 'ready' && two.status === 'ready');
    const shared = await Promise.all([spend(mine, 'after', 5), spend(theirs, 'after', 5)]);
    expect(shared[0] + shared[1]).toBe(3);
    one.disconnect();
    two.disconnect();
    await server.stop();
  });
});
