import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { openDatabase } from '../db/database.ts';
import type { EventOf } from '../events/catalog.ts';
import { createLog } from '../runtime/log.ts';
import type { Loop } from '../runtime/loop.ts';
import { eventually } from '../testing/eventually.ts';
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import { SPINE_MIGRATIONS } from '../testing/spine.ts';
import { listenForRevocations } from './revocation-listener.ts';
import { revocationConsumers, saveRevocations, sweepRevocations } from './revocation-store.ts';
import { createRevocations, type Revocation, type Revocations } from './revocations.ts';
import { revocations as table } from './tables.ts';

const log = createLog('test', 'silent');
let database: TestDatabase;
let processes: { revocations: Revocations; loop: Loop }[];
beforeEach(async () => {
  database = await createTestDatabase(SPINE_MIGRATIONS);
  processes = [];
});
afterEach(async () => {
  await Promise.all(processes.map(({ loop }) => loop.stop()));
  await database.drop();
});

/** One more process of the service. */
async function start(from = database as Pick<TestDatabase, 'db' | 'sql'>): Promise<Revocations> {
  const revocations = createRevocations();
  processes.push({ revocations, loop: await listenForRevocations({ database: from, revocations, log }) });
  return revocations;
}

const row = (seq: number, change: Partial<Revocation> = {}): Revocation => ({
  seq,
  userId: Bun.randomUUIDv7(),
  sessionIds: [Bun.randomUUIDv7()],
  minGeneration: null,
  expiresAt: new Date(Date.now() + 900_000),
  ...change,
});

const verdictOf = ({ verdict }: Revocations, { userId, sessionIds: [sessionId = ''] }: Revocation) =>
  verdict({ userId, sessionId, version: 0, expiresAt: Date.now() / 1000 + 900 });

describe('the table of revocations and those who listen', () => {
  test('a start loads everything that still matters, however much it is', async () => {
    const many = Array.from({ length: 5001 }, (_, n) => row(n + 1));
    await saveRevocations(database.db, [...many, row(6000, { expiresAt: new Date(Date.now() - 1000) })]);
    const revocations = await start();
    expect(many.every((each) => verdictOf(revocations, each) === 'dead')).toBe(true);
    expect([revocations.size(), revocations.has(6000)]).toEqual([5001, false]);
  });

  test('every process hears of what is committed, in any order of numbers, and of nothing else', async () => {
    const [one, two] = [await start(), await start()];
    const [committed, lower, undone] = [row(11), row(10), row(12)];
    await database.db.transaction((tx) => saveRevocations(tx, [committed]));
    await database.db
      .transaction(async (tx) => {
        await saveRevocations(tx, [undone]);
        throw new Error('rolled back');
      })
      .catch(() => {});
    await database.db.transaction((tx) => saveRevocations(tx, [lower, lower]));
    for (const each of [one, two]) {
      await eventually(() => verdictOf(each, committed) === 'dead' && verdictOf(each, lower) === 'dead');
      expect(each.has(12)).toBe(false);
    }
  });

  test('more at once than a notification can name', async () => {
    const revocations = await start();
    const many = Array.from({ length: 2500 }, (_, n) => row(n + 1));
    await saveRevocations(database.db, many);
    await eventually(() => many.every((each) => verdictOf(revocations, each) === 'dead'));
  });

  test('a process that had lost its connection loads what it missed', async () => {
    const own = openDatabase({ url: database.url, name: 'listener', max: 2 });
    const revocations = await start(own);
    await database.db.execute(sql`
      select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listener'`);
    // Not by `saveRevocations`: nobody is told.
    const missed = row(7);
    await database.db.insert(table).values(missed);
    await eventually(() => verdictOf(revocations, missed) === 'dead');
    await processes.pop()?.loop.stop();
    await own.close();
  });

  test('the consumer does the same for one event and for many, once and again', async () => {
    const revocations = await start();
    const consume = revocationConsumers['tokens.revoked'];
    const events = [row(1), row(2, { sessionIds: [], minGeneration: 1 }), row(3)].map(
      (data) => ({ data: { ...data, expiresAt: data.expiresAt.toISOString() } }) as EventOf<'tokens.revoked'>,
    );
    const [first] = events;
    if (first === undefined) throw new Error('no event');
    await database.db.transaction((tx) => consume(tx, first, () => {}));
    for (let n = 0; n < 2; n++) {
      await database.db.transaction(async (tx) => consume.together?.(tx, events, () => {}));
    }
    await eventually(() => [1, 2, 3].every(revocations.has));
    expect(await database.db.$count(table)).toBe(3);
  });

  test('what has run out is swept from the table, in batches', async () => {
    const old = Array.from({ length: 1500 }, (_, n) => row(n + 1, { expiresAt: new Date(Date.now() - 1) }));
    await saveRevocations(database.db, [...old, row(2000)]);
    await sweepRevocations(database.db);
    expect((await database.db.select({ seq: table.seq }).from(table)).map(({ seq }) => seq)).toEqual([2000]);
  });
});
