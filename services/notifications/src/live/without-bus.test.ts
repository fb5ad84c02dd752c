import { afterAll, beforeAll, expect, test } from 'bun:test';
import { redisBus } from '@tertulia/shared/live/redis-bus';
import { createLog } from '@tertulia/shared/runtime/log';
import type { Running } from '@tertulia/shared/runtime/serve';
import { openRedis, type RedisClient, whenReady } from '@tertulia/shared/stores/redis';
import { eventually } from '@tertulia/shared/testing/eventually';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { describeWith } from '@tertulia/shared/testing/needs';
import { startRedis, type TestRedis } from '@tertulia/shared/testing/redis';
import { Centrifuge } from 'centrifuge';
import { createTestApp, type TestApp } from '../test-app.ts';

describeWith('redis-server')('sockets while Redis is away', () => {
  let server: TestRedis;
  let redis: RedisClient;
  let app: TestApp;
  let node: Running;
  beforeAll(async () => {
    server = await startRedis();
    redis = openRedis(server.url, createLog('test', 'silent'));
    await whenReady(redis);
    app = await createTestApp({ bus: redisBus(redis) });
    node = app.listen();
  });
  afterAll(async () => {
    await node.stop();
    await app.close();
    redis.disconnect();
    await server.stop();
  });

  async function connect() {
    const user = await app.tokens.user();
    const client = new Centrifuge(`ws://127.0.0.1:${node.port}/notifications/ws`, { token: user.token });
    const heard: (number | undefined)[] = [];
    client.on('publication', ({ offset }) => heard.push(offset));
    client.connect();
    await client.ready();
    return { user, client, heard };
  }

  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'after %s: they open, hear what happens in order, and go on with hints once it is back',
    async (signal) => {
      const before = await connect();
      process.kill(server.pid, signal);
      const during = await connect();
      for (const { user } of [before, during]) for (let n = 0; n < 3; n++) await app.tell(user.id);
      const both = [before, during];
      await eventually(() => both.every(({ heard }) => heard.length === 3), { ms: 60_000 });
      if (signal === 'SIGSTOP') process.kill(server.pid, 'SIGCONT');
      await server.restart('SIGKILL');
      await eventually(
        async () => (await redis.pubsub('NUMSUB', ...both.map(topicOf))).filter(Number).length === 2,
        {
          ms: 60_000,
        },
      );
      for (const { user } of both) await app.tell(user.id);
      await eventually(() => both.every(({ heard }) => heard.length === 4), { ms: 60_000 });
      for (const { client, heard } of both) {
        expect(heard).toEqual([1, 2, 3, 4]);
        client.disconnect();
      }
    },
    HANG_MS,
  );

  const topicOf = ({ user }: { user: { id: string } }) => `live:user:${user.id}`;
});
