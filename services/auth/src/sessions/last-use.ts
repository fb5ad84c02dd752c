import type { Db } from '@tertulia/shared/db/database';
import type { Log } from '@tertulia/shared/runtime/log';
import { every, type Loop } from '@tertulia/shared/runtime/loop';
import type { RedisClient } from '@tertulia/shared/stores/redis';
import { sql } from 'drizzle-orm';
import { sessions } from '../db/schema.ts';

const FLUSH_MS = 5000;
/** From Redis to Postgres: seldom, as Redis survives this process. */
const MOVE_MS = 60_000;
const MAX_NOTED = 10_000;
const BATCH = 1000;
const KEY = 'sessions:last-used';

type Uses = Map<string, number>;

export type LastUse = {
  /** Notes that a session is in use, now: without waiting, and without a write of its own. */
  touch(sessionId: string): void;
  /** Last uses, in ms, that have not reached Postgres yet. */
  read(sessionIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Writes down what was noted: in Redis where there is one, for all replicas, else in Postgres. */
  flush(): Promise<void>;
  /** From Redis to Postgres. */
  move(): Promise<void>;
  start(): Loop;
};

type Options = { db: Db; redis: RedisClient | undefined; log: Log };

/**
 * When sessions were last used, kept without a write per request: noted in memory, written in batches. What
 * a killed process had noted is lost, a few seconds' worth; so is what comes while the notes are full.
 */
export function createLastUse({ db, redis, log }: Options): LastUse {
  const noted: Uses = new Map();

  async function toPostgres(uses: Uses): Promise<void> {
    if (uses.size === 0) return;
    // In one order, so that replicas do not wait for one another in a circle.
    const ids = [...uses.keys()].sort();
    // As text: Drizzle has taken away the driver's own way with arrays of instants.
    const times = ids.map((id) => new Date(uses.get(id) ?? 0).toISOString());
    await db.execute(sql`
      update ${sessions} set last_used_at = used.at::timestamptz
      from unnest(${sql.param(ids)}::uuid[], ${sql.param(times)}::text[]) as used (id, at)
      where ${sessions.id} = used.id and ${sessions.lastUsedAt} < used.at::timestamptz`);
  }

  async function toRedis(to: RedisClient, uses: Uses): Promise<void> {
    await to.zadd(KEY, 'GT', ...[...uses].flatMap(([id, at]) => [at, id]));
  }

  async function flush(): Promise<void> {
    while (noted.size > 0) {
      const batch: Uses = new Map([...noted].slice(0, BATCH));
      for (const id of batch.keys()) noted.delete(id);
      if (redis === undefined) await toPostgres(batch);
      else await toRedis(redis, batch).catch(() => toPostgres(batch));
    }
  }

  async function move(): Promise<void> {
    if (redis === undefined) return;
    for (let full = true; full; ) {
      const pairs = await redis.zrange(KEY, 0, String(BATCH - 1), 'WITHSCORES');
      const uses: Uses = new Map();
      for (let at = 0; at < pairs.length; at += 2) uses.set(pairs[at] ?? '', Number(pairs[at + 1]));
      if (uses.size === 0) return;
      await toPostgres(uses);
      await redis.zrem(KEY, ...[...uses.keys()]);
      full = uses.size === BATCH;
    }
  }

  return {
    flush,
    move,
    touch(sessionId) {
      if (noted.size < MAX_NOTED || noted.has(sessionId)) noted.set(sessionId, Date.now());
    },
    async read(sessionIds) {
      const found = new Map<string, number>();
      if (sessionIds.length === 0) return found;
      const scores = (await redis?.zmscore(KEY, ...sessionIds).catch(() => [])) ?? [];
      for (const [at, id] of sessionIds.entries()) {
        const latest = Math.max(noted.get(id) ?? 0, Number(scores[at] ?? 0));
        if (latest > 0) found.set(id, latest);
      }
      return found;
    },
    start() {
      const onError = (err: unknown) => log.warn({ err }, 'last use of sessions not written');
      const loops = [every(FLUSH_MS, flush, onError), every(MOVE_MS, move, onError)];
      return {
        async stop() {
          await Promise.all(loops.map((loop) => loop.stop()));
          await flush().catch(onError);
        },
      };
    },
  };
}
