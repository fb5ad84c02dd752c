import { join } from 'node:path';
import { type Database, type Db, openDatabase } from '@tertulia/shared/db/database';
import { migrate } from '@tertulia/shared/db/migrate';
import { startDepartures } from '@tertulia/shared/departures/departures';
import { startReader } from '@tertulia/shared/events/reader';
import { startRelay } from '@tertulia/shared/events/relay';
import type { Checks } from '@tertulia/shared/http/health';
import { startIdempotencySweep } from '@tertulia/shared/http/idempotency';
import { createLimits, type Limits } from '@tertulia/shared/limits/limits';
import type { Log } from '@tertulia/shared/runtime/log';
import { openCarriers } from '@tertulia/shared/stores/carriers';
import { openRedis, REQUEST_SILENCE_MS, whenReady } from '@tertulia/shared/stores/redis';
import { type FollowedRevocations, followRevocations } from '@tertulia/shared/tokens/follow-revocations';
import { createGuards, type Guards } from '@tertulia/shared/tokens/guard';
import { keyStore } from '@tertulia/shared/tokens/key-store';
import { remoteKeys } from '@tertulia/shared/tokens/keys';
import { createTokenVerifier, type TokenVerifier } from '@tertulia/shared/tokens/verify';
import { prepareFindComment } from './comments/comments.repository.ts';
import { consumers } from './consumers.ts';
import { createForget } from './departures/departures.ts';
import type { CommentsEnv } from './env.ts';
import { prepareFindMedia } from './media/media.repository.ts';
import { prepareThreads, type Threads } from './threads/threads.repository.ts';

export const MIGRATIONS = join(import.meta.dir, '..', 'drizzle');

export type Deps = {
  env: CommentsEnv;
  log: Log;
  db: Db;
  guards: Guards;
  limits: Limits;
  findMedia: ReturnType<typeof prepareFindMedia>;
  findComment: ReturnType<typeof prepareFindComment>;
  threads: Threads;
  checks: Checks;
  /** Keeps revocations up to date, where something runs in the background. */
  feed?: FollowedRevocations['feed'];
};

/** What a {@link Deps} is made of, without what runs in the background: tests open the same. */
export function createDeps(
  env: CommentsEnv,
  log: Log,
  { db }: Database,
  verifier: TokenVerifier,
  limits: Limits,
  checks: Checks,
): Deps {
  return {
    env,
    log,
    db,
    guards: createGuards(verifier),
    limits,
    findMedia: prepareFindMedia(db),
    findComment: prepareFindComment(db),
    threads: prepareThreads(db),
    checks,
  };
}

/** Opens every resource of a running service; `close` takes them down in order. */
export async function openDeps(env: CommentsEnv, url: string, log: Log) {
  await migrate(url, MIGRATIONS);
  const database = openDatabase({ url, name: 'comments', max: env.DB_POOL_MAX });
  const { db, sql } = database;
  const redis =
    env.AUTH_REDIS_URL === undefined
      ? undefined
      : openRedis(env.AUTH_REDIS_URL, log, { silenceMs: REQUEST_SILENCE_MS });
  if (redis !== undefined) await whenReady(redis);
  const carriers = await openCarriers(env, 'comments', log);
  const { stream } = carriers;
  const followed = await followRevocations({ service: 'comments', env, database, bus: carriers.bus, log });
  const loops = [
    startRelay({ source: 'comments', url, sql, stream, log }),
    ...(['auth', 'media'] as const).map((source) =>
      startReader({ source, reader: 'comments', url, db, stream, consumers, log }),
    ),
    startIdempotencySweep(db, log),
    startDepartures({ db, url, service: 'comments', forget: createForget(db), log }),
  ];
  const verifier = createTokenVerifier({
    keys: remoteKeys(env.AUTH_URL, log, keyStore(db)),
    issuer: env.TOKEN_ISSUER,
    audience: env.TOKEN_AUDIENCE,
    revocations: followed.revocations,
  });
  const limits = createLimits({ redis, scale: env.RATE_LIMIT_SCALE });
  const deps = createDeps(env, log, database, verifier, limits, {
    postgres: database.ping,
    events: () => stream.ping(),
    ...(redis === undefined ? {} : { redis: () => redis.ping() }),
  });
  return {
    deps: { ...deps, feed: followed.feed },
    async close() {
      await Promise.all([followed.close(), ...loops.map((loop) => loop.stop())]);
      await carriers.close();
      redis?.disconnect();
      await database.close();
    },
  };
}
