import { Redis } from 'ioredis';
import type { Log } from '../runtime/log.ts';

/** For {@link openRedis}, where requests wait for its answers. */
export const REQUEST_SILENCE_MS = 1000;

/** The type of {@link openRedis}'s clients, for services: the package is ours alone. */
export type RedisClient = Redis;

/**
 * A Redis client that fails at once while Redis is away, instead of queueing or sending again behind one's
 * back: who calls knows what to do, and effects happen at most once per call.
 *
 * With `silenceMs`, which is not for blocking commands, a Redis that keeps its sockets open and does not answer
 * is away as well: one command waits for so long, then the connection is dropped, and until a new one has
 * answered, every command fails at once.
 */
export function openRedis(url: string, log: Log, { silenceMs }: { silenceMs?: number } = {}): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    commandTimeout: 2000,
    ...(silenceMs === undefined ? {} : { socketTimeout: silenceMs }),
    retryStrategy: (attempt) => Math.min(50 * attempt, 1000),
  });
  let lost = false;
  redis.on('error', (err: Error) => {
    if (!lost) log.warn({ err }, 'Redis is away');
    lost = true;
  });
  redis.on('ready', () => {
    if (lost) log.info('Redis is back');
    lost = false;
  });
  return redis;
}

/** Resolves when the client can be used, or after `ms`; Redis may come later. */
export function whenReady(redis: Redis, ms = 2000): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  redis.once('ready', resolve);
  return promise.finally(() => clearTimeout(timer));
}
