import { afterAll, beforeAll } from 'bun:test';
import { createLog } from '../runtime/log.ts';
import { openRedis, whenReady } from '../stores/redis.ts';
import { describeWith } from '../testing/needs.ts';
import { createTestDatabase } from '../testing/postgres.ts';
import { startRedis, type TestRedis } from '../testing/redis.ts';
import { describeEventStream } from './event-stream.contract.ts';
import { postgresStream } from './postgres-stream.ts';
import { redisStream } from './redis-stream.ts';

const log = createLog('test', 'silent');
const MIGRATIONS = `${import.meta.dir}/../testing/drizzle`;

describeEventStream('Postgres', async () => {
  const database = await createTestDatabase(MIGRATIONS);
  const stream = await postgresStream(database.sql);
  return {
    stream,
    async close() {
      await stream.close();
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

  describeEventStream('Redis', async () => {
    const redis = openRedis(server.url, log);
    await whenReady(redis);
    const stream = redisStream(redis);
    return {
      stream,
      async close() {
        await stream.close();
        redis.disconnect();
      },
    };
  });
});
