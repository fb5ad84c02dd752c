import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { openDatabase } from '../db/database.ts';
import { createLog } from '../runtime/log.ts';
import { openRedis, whenReady } from '../stores/redis.ts';
import { eventually } from '../testing/eventually.ts';
import { describeWith } from '../testing/needs.ts';
import { createTestDatabase } from '../testing/postgres.ts';
import { startRedis, type TestRedis } from '../testing/redis.ts';
import { describeLiveBus } from './live-bus.contract.ts';
import { postgresBus } from './postgres-bus.ts';
import { redisBus } from './redis-bus.ts';

const log = createLog('test', 'silent');

describeLiveBus('Postgres', async () => {
  const database = await createTestDatabase(`${import.meta.dir}/../testing/drizzle`);
  const second = openDatabase({ url: database.url, name: 'test', max: 2 });
  const [bus, other] = await Promise.all([postgresBus(database.sql), postgresBus(second.sql)]);
  return {
    bus,
    other,
    async close() {
      await Promise.all([bus.close(), other.close()]);
      await second.close();
      await database.drop();
    },
  };
});

describeWith('redis-server')('with a Redis', () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  async function open() {
    const redis = openRedis(server.url, log);
    await whenReady(redis);
    return { redis, bus: redisBus(redis) };
  }

  describeLiveBus('Redis', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    return {
      bus: one.bus,
      other: two.bus,
      async close() {
        await Promise.all([one.bus.close(), two.bus.close()]);
        one.redis.disconnect();
        two.redis.disconnect();
      },
    };
  });

  describe('LiveBus on Redis, cut', () => {
    test('a cut link heals, tells of the gap, and listens again', async () => {
      const { redis, bus } = await open();
      const heard: string[] = [];
      let gaps = 0;
      bus.onGap(() => gaps++);
      await bus.subscribe('t', (message) => heard.push(message));
      await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await eventually(() => gaps > 0);
      await eventually(async () => {
        await bus.publish('t', 'again');
        return heard.length > 0;
      });
      expect(heard[0]).toBe('again');
      await bus.close();
      redis.disconnect();
    });
  });
});
