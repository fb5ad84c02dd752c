import { expect } from 'bun:test';
import { asc, isNull } from 'drizzle-orm';
import type { Tx } from '../db/database.ts';
import { isUnavailable } from '../db/unavailable.ts';
import type { Consumers } from '../events/consumers.ts';
import { startReader } from '../events/reader.ts';
import { startRelay } from '../events/relay.ts';
import { outbox, outboxHead, setAside, streamPositions } from '../events/tables.ts';
import { createLog } from '../runtime/log.ts';
import { every, type Loop } from '../runtime/loop.ts';
import { openCarriers } from '../stores/carriers.ts';
import { openRedis, whenReady } from '../stores/redis.ts';
import { eventually } from './eventually.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';
import type { Random } from './random.ts';
import { startRedis } from './redis.ts';
import { effects } from './schema.ts';
import { noteTaker, SPINE_MIGRATIONS, tellNote } from './spine.ts';
import { type DEATHS, PACE_MS } from './spine-worker.ts';

export const CARRIERS = ['Redis', 'Postgres'] as const;
export type CarrierName = (typeof CARRIERS)[number];

type WorkerEnv = Partial<
  Record<'PRODUCER_URL' | 'CONSUMER_URL' | 'TELL' | 'TOGETHER' | 'DIE_NTH', string> & {
    DIE_AT: (typeof DEATHS)[number];
  }
>;

export type Lab = Awaited<ReturnType<typeof openLab>>;

/**
 * A producer, a consumer and a carrier of one's own. Every transaction that announces writes the same note
 * into the producer's own `effects`: that is the ledger which the consumer's must come to equal.
 */
export async function openLab(carrier: CarrierName) {
  const log = createLog('lab', process.env.TEST_LOG ?? 'silent');
  const [producer, consumer, redis, between] = await Promise.all([
    createTestDatabase(SPINE_MIGRATIONS),
    createTestDatabase(SPINE_MIGRATIONS),
    carrier === 'Redis' ? startRedis() : undefined,
    carrier === 'Postgres' ? createTestDatabase(SPINE_MIGRATIONS) : undefined,
  ]);
  const env =
    redis === undefined ? { EVENTS_DATABASE_URL: between?.url ?? '' } : { EVENTS_REDIS_URL: redis.url };
  const carriers = await openCarriers(env, 'lab', log);
  const loops: Loop[] = [];
  const children: Bun.Subprocess[] = [];
  let told = 0;

  /** Announces the next note in the caller's transaction, and writes it down. */
  const note = (tx: Tx, subject: string) => tellNote(tx, subject, `${++told}`);
  /** One event in a transaction of its own. */
  const tell = (subject: string) => producer.db.transaction((tx) => note(tx, subject));

  /** Relay and reader as another process; see `spine-worker.ts`. */
  function worker(settings: WorkerEnv = {}): Bun.Subprocess {
    const urls = { PRODUCER_URL: producer.url, CONSUMER_URL: consumer.url };
    const child = Bun.spawn([process.execPath, `${import.meta.dir}/spine-worker.ts`], {
      env: { ...env, ...urls, LOG_LEVEL: process.env.TEST_LOG ?? 'silent', ...settings },
      stdout: 'inherit',
      stderr: process.env.TEST_LOG === undefined ? 'ignore' : 'inherit',
    });
    children.push(child);
    return child;
  }

  async function redisCommand(command: string, ...args: string[]): Promise<void> {
    const client = openRedis(redis?.url ?? '', log);
    await whenReady(client);
    await client.call(command, ...args);
    client.disconnect();
  }

  return {
    producer,
    consumer,
    redis,
    /** The Postgres that carries events, where that is the carrier. */
    between,
    stream: carriers.stream,
    note,
    tell,
    /** A transaction, undone at its end if so wanted. */
    async transaction(undo: boolean, run: (tx: Tx) => Promise<void>): Promise<void> {
      const undone = new Error('undone');
      const running = producer.db.transaction(async (tx) => {
        await run(tx);
        if (undo) throw undone;
      });
      await running.catch((error) => {
        if (error !== undone) throw error;
      });
    },
    /** Tells until it is stopped, at a moderate pace. */
    keepTelling(random: Random): Loop {
      const subjects = Array.from({ length: 20 }, () => Bun.randomUUIDv7());
      const telling = every(
        PACE_MS,
        () => tell(random.pick(subjects)),
        // A stalled machine lets a connection time out: the ledger knows what was told all the same.
        (error) => {
          if (!isUnavailable(error)) throw error;
        },
      );
      loops.push(telling);
      return telling;
    },
    /** How many notes were begun; some may have been rolled back. */
    told: () => told,
    relay() {
      const { url, sql } = producer;
      loops.push(startRelay({ source: 'auth', url, sql, stream: carriers.stream, log }));
    },
    reader(consumers: Consumers = noteTaker()) {
      const { url, db } = consumer;
      const options = { source: 'auth', reader: 'reader', stream: carriers.stream, log, retryMs: 5 } as const;
      loops.push(startReader({ ...options, url, db, consumers }));
    },
    worker,
    /** Ends all sessions of workers in one of the databases, or in all. */
    async endSessions(random: Random): Promise<void> {
      const names = [producer, consumer, between].flatMap((database) =>
        database === undefined ? [] : [new URL(database.url).pathname.slice(1)],
      );
      await producer.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = any(${random.chance(0.5) ? names : [random.pick(names)]})
          and application_name similar to '(worker|lead)%'`;
    },
    /** How many effects there are. */
    applied: () => consumer.db.$count(effects),

    /** What a `FLUSHALL` does. */
    async loseCarrier(): Promise<void> {
      if (between !== undefined) await between.sql`truncate event_streams, event_entries, event_readers`;
      if (redis !== undefined) await redisCommand('FLUSHALL');
    },
    /** From now on Redis forgets when it is killed; what it had until then comes back. */
    stopPersisting: () => redisCommand('CONFIG', 'SET', 'appendonly', 'no'),

    /** Waits until everything has come to rest, and holds the effects against the ledger. */
    async settle(ms = 120_000): Promise<void> {
      const total = () => producer.db.$count(effects);
      await eventually(async () => (await consumer.db.$count(effects)) >= (await total()), {
        ms,
        every: 100,
      });
      await eventually(
        async () => {
          const last = await total();
          expect(await notesOf(consumer)).toEqual(await notesOf(producer));
          expect(await consumer.db.$count(setAside)).toBe(0);
          expect(await consumer.db.select().from(streamPositions)).toEqual([
            { source: 'auth', position: last },
          ]);
          expect(await producer.db.$count(outbox, isNull(outbox.seq))).toBe(0);
          expect(await producer.db.select({ seq: outboxHead.seq }).from(outboxHead)).toEqual([{ seq: last }]);
          // The reader tells, the relay hears and trims.
          expect(await carriers.stream.bounds('auth')).toEqual({ first: last + 1, last });
          return true;
        },
        { ms: 60_000, every: 100 },
      );
    },

    async [Symbol.asyncDispose](): Promise<void> {
      for (const child of children) child.kill('SIGKILL');
      // How a loop failed is told by whom it fails; here everything has to end.
      await Promise.allSettled([
        ...loops.map((loop) => loop.stop()),
        ...children.map((child) => child.exited),
      ]);
      await carriers.close();
      await Promise.all([producer.drop(), consumer.drop(), between?.drop(), redis?.stop()]);
    },
  };
}

/** Notes by subject, in their order. */
export async function notesOf({ db }: TestDatabase): Promise<Map<string, string[]>> {
  const rows = await db.select().from(effects).orderBy(asc(effects.subject), asc(effects.place));
  const bySubject = Map.groupBy(rows, ({ subject }) => subject);
  return new Map([...bySubject].map(([subject, those]) => [subject, those.map(({ note }) => note)]));
}
