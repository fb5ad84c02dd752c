import type { Sql } from '@tertulia/shared/db/database';
import { OUTBOX_CHANNEL } from '@tertulia/shared/events/announce';
import type { EventOf } from '@tertulia/shared/events/catalog';
import { type Consumer, together } from '@tertulia/shared/events/consumers';
import { startReader } from '@tertulia/shared/events/reader';
import { startRelay } from '@tertulia/shared/events/relay';
import { createLog } from '@tertulia/shared/runtime/log';
import { openCarriers } from '@tertulia/shared/stores/carriers';
import { createTestDatabase } from '@tertulia/shared/testing/postgres';
import { startRedis } from '@tertulia/shared/testing/redis';
import { announceNote, SPINE_MIGRATIONS, takeNote, takeNotes } from '@tertulia/shared/testing/spine';
import type { BenchRow } from './row.ts';

const EVENTS = 30_000;
const SUBJECTS = Array.from({ length: 500 }, () => Bun.randomUUIDv7());
const PER_SECOND = 600;
const SECONDS = 10;
const BATCH = 500;

const log = createLog('bench', 'warn');

/** From announce to effect, on both carriers: events a second from a full outbox, and the time one takes. */
export async function spineBench(): Promise<BenchRow[]> {
  const rows = await onPostgres();
  if (Bun.which('redis-server') !== null) return [...(await onRedis()), ...rows];
  const skipped = { ours: 'skipped', yardstick: '', ratio: '', target: '' };
  return [{ what: 'spine on Redis: no redis-server here', ...skipped }, ...rows];
}

type Carrier = { EVENTS_REDIS_URL: string } | { EVENTS_DATABASE_URL: string };

async function onRedis(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const measure of MEASURES) {
    const server = await startRedis();
    rows.push(await measure('Redis', { EVENTS_REDIS_URL: server.url }).finally(server.stop));
  }
  return rows;
}

async function onPostgres(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const measure of MEASURES) {
    const database = await createTestDatabase(SPINE_MIGRATIONS);
    rows.push(await measure('Postgres', { EVENTS_DATABASE_URL: database.url }).finally(database.drop));
  }
  return rows;
}

const MEASURES = [
  (carrier: string, env: Carrier) => throughput(`${carrier}, a batch a statement`, env, together(takeNotes)),
  (carrier: string, env: Carrier) => throughput(`${carrier}, an event a statement`, env, takeNote),
  latency,
];

type Take = Consumer<'user.registered'>;

async function throughput(how: string, env: Carrier, take: Take): Promise<BenchRow> {
  const spine = await openSpine(env, take);
  try {
    await fillOutbox(spine.producer.sql);
    const from = performance.now();
    await spine.untilTaken(EVENTS);
    const ours = EVENTS / ((performance.now() - from) / 1000);
    const yardstick = await insertPlainly(spine.consumer.sql);
    return {
      what: `spine on ${how}: full outbox to effects`,
      ours: `${perSecond(ours)} events/s`,
      yardstick: `${perSecond(yardstick)} single-row inserts/s, pipelined`,
      ratio: (ours / yardstick).toFixed(2),
      target: '30,000 events/s (prototype)',
    };
  } finally {
    await spine.close();
  }
}

async function latency(carrier: string, env: Carrier): Promise<BenchRow> {
  const spine = await openSpine(env, takeNote);
  const committed: number[] = [];
  const writes: Promise<void>[] = [];
  try {
    const from = performance.now();
    for (let n = 0; n < PER_SECOND * SECONDS; n++) {
      const early = from + (n * 1000) / PER_SECOND - performance.now();
      if (early > 0) await Bun.sleep(early);
      const write = spine.producer.db.transaction((tx) => announceNote(tx, subject(n), `${n}`));
      writes.push(
        write.then(() => {
          committed[n] = performance.now();
        }),
      );
    }
    await Promise.all(writes);
    await spine.untilTaken(writes.length);
  } finally {
    await spine.close();
  }
  // An effect may be there before the announcer has heard of its own commit.
  const took = committed.map((at, n) => Math.max(0, (spine.taken.get(`${n}`) ?? Number.NaN) - at));
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(took.length * share)] ?? Number.NaN;
  return {
    what: `spine on ${carrier}: commit to effect, ${PER_SECOND} writes/s`,
    ours: `p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms`,
    yardstick: 'p50 24 ms, p99 50 ms (prototype)',
    ratio: `${(at(0.5) / 24).toFixed(2)}, ${(at(0.99) / 50).toFixed(2)}`,
    target: 'p50 24 ms, p99 50 ms (prototype)',
  };
}

/** A producer, a consumer and what lies between, in one process; warm: one event has gone through. */
async function openSpine(env: Carrier, take: Take) {
  const carriers = await openCarriers(env, 'bench', log);
  const producer = await createTestDatabase(SPINE_MIGRATIONS);
  const consumer = await createTestDatabase(SPINE_MIGRATIONS);
  /** When the effect of a note was committed. */
  const taken = new Map<string, number>();
  const wanted = { count: 1, reached: Promise.withResolvers<void>() };
  const common = { source: 'auth', stream: carriers.stream, log } as const;
  const consumers = { 'user.registered': timed(take, note) };
  const loops = [
    startRelay({ ...common, url: producer.url, sql: producer.sql }),
    startReader({ ...common, reader: 'bench', url: consumer.url, db: consumer.db, consumers }),
  ];

  function note(event: { data: { username: string } }): void {
    taken.set(event.data.username, performance.now());
    if (taken.size === wanted.count) wanted.reached.resolve();
  }

  await producer.db.transaction((tx) => announceNote(tx, subject(0), 'warm'));
  await wanted.reached.promise;
  return {
    producer,
    consumer,
    taken,
    /** Besides the first one. */
    untilTaken(count: number): Promise<void> {
      Object.assign(wanted, { count: count + 1, reached: Promise.withResolvers<void>() });
      if (taken.size === wanted.count) wanted.reached.resolve();
      return wanted.reached.promise;
    },
    async close() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await carriers.close();
      await Promise.all([producer.drop(), consumer.drop()]);
    },
  };
}

/** The same consumer, which tells of each event after the commit. */
function timed(take: Take, note: (event: EventOf<'user.registered'>) => void): Take {
  const { together: takeAll } = take;
  if (takeAll === undefined) {
    return async (tx, event, after) => {
      await take(tx, event, after);
      after(() => note(event));
    };
  }
  return together(async (tx, events, after) => {
    await takeAll(tx, events, after);
    after(() => events.forEach(note));
  });
}

const subject = (n: number) => SUBJECTS[n % SUBJECTS.length] ?? '';

/** Writes what `announce` would have written, in bulk. */
async function fillOutbox(sql: Sql): Promise<void> {
  const events = Array.from({ length: EVENTS }, (_, n) => {
    const userId = subject(n);
    const id = Bun.randomUUIDv7();
    const about = `user:${userId}`;
    const data = { userId, username: `${n}`, displayName: null, locale: 'en', role: 'USER' };
    const occurredAt = new Date().toISOString();
    const envelope = { id, type: 'user.registered', version: 1, source: 'auth', data, subject: about };
    return { id, about, envelope: JSON.stringify({ ...envelope, actorId: userId, occurredAt }) };
  });
  await sql`
    insert into outbox (event_id, subject, envelope)
    select * from unnest(
      ${events.map(({ id }) => id)}::uuid[],
      ${events.map(({ about }) => about)}::text[],
      ${events.map(({ envelope }) => envelope)}::text[])`;
  await sql`select pg_notify(${OUTBOX_CHANNEL}, '')`;
}

/** The same effects without a spine: rows a second, one insert each, pipelined in transactions of 500. */
async function insertPlainly(sql: Sql): Promise<number> {
  await sql`truncate effects`;
  const from = performance.now();
  for (let start = 0; start < EVENTS; start += BATCH) {
    await sql.begin((tx) =>
      Array.from({ length: BATCH }, (_, at) => {
        const [id, about, note] = [Bun.randomUUIDv7(), `user:${subject(start + at)}`, `${start + at}`];
        return tx`insert into effects (event_id, subject, note) values (${id}, ${about}, ${note})`;
      }),
    );
  }
  return EVENTS / ((performance.now() - from) / 1000);
}

const perSecond = (count: number) => Math.round(count).toLocaleString('en');

if (import.meta.main) {
  console.table(await spineBench());
  process.exit(0);
}
