import { type Database, openDatabase } from '../db/database.ts';
import { postgresStream } from '../events/postgres-stream.ts';
import { redisStream } from '../events/redis-stream.ts';
import type { EventStream } from '../events/stream.ts';
import type { LiveBus } from '../live/bus.ts';
import { postgresBus } from '../live/postgres-bus.ts';
import { redisBus } from '../live/redis-bus.ts';
import type { Log } from '../runtime/log.ts';
import { openRedis, whenReady } from './redis.ts';

/** What carries events and hints: Redis where there is one, else Postgres. */
export type Carriers = {
  stream: EventStream;
  bus: LiveBus;
  name: 'redis' | 'postgres';
  close(): Promise<void>;
};

type Env = { EVENTS_REDIS_URL?: string | undefined; EVENTS_DATABASE_URL?: string | undefined };

/** Opens the carriers that the settings name. @throws when they name none. */
export async function openCarriers(env: Env, service: string, log: Log): Promise<Carriers> {
  if (env.EVENTS_REDIS_URL !== undefined) {
    const redis = openRedis(env.EVENTS_REDIS_URL, log);
    const stream = redisStream(redis);
    const bus = redisBus(redis);
    await whenReady(redis);
    return {
      stream,
      bus,
      name: 'redis',
      async close() {
        await Promise.all([stream.close(), bus.close()]);
        redis.disconnect();
      },
    };
  }
  if (env.EVENTS_DATABASE_URL === undefined) {
    throw new Error('EVENTS_REDIS_URL or EVENTS_DATABASE_URL must be set: something has to carry the events');
  }
  const database: Database = openDatabase({
    url: env.EVENTS_DATABASE_URL,
    name: `${service} events`,
    max: 5,
  });
  const [stream, bus] = await Promise.all([postgresStream(database.sql), postgresBus(database.sql)]);
  return {
    stream,
    bus,
    name: 'postgres',
    async close() {
      await Promise.all([stream.close(), bus.close()]);
      await database.close();
    },
  };
}
