import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { handle } from '../events/handle.ts';
import { createLog } from '../runtime/log.ts';
import { eventually } from '../testing/eventually.ts';
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import { SPINE_MIGRATIONS } from '../testing/spine.ts';
import { departureConsumers, forgetDue, noteDeparture, startDepartures } from './departures.ts';
import { FIRST_USER, heldByKeys, heldIn } from './held.ts';
import { departures } from './tables.ts';

const log = createLog('test', 'silent');

let database: TestDatabase;
let asked: string[];
beforeEach(async () => {
  database = await createTestDatabase(SPINE_MIGRATIONS);
  asked = [];
});
afterEach(() => database.drop());

const forget = async (userId: string) => {
  asked.push(userId);
};
const round = (how: (userId: string) => Promise<void> = forget, signal = new AbortController().signal) =>
  forgetDue({ db: database.db, forget: how, log }, signal);
/** Lets time pass for all that is noted. */
const letTimePass = (interval: string) =>
  database.db.execute(sql`
    update departures set due_at = due_at - ${interval}::interval, created_at = created_at - ${interval}::interval`);
const dueInSeconds = async () => {
  const [row] = await database.db.execute<{ s: number }>(
    sql`select extract(epoch from due_at - now())::float8 as s from departures`,
  );
  return row?.s;
};

describe('departures', () => {
  test('user.deleted notes one, and again it is looked at anew', async () => {
    const userId = Bun.randomUUIDv7();
    const envelope = {
      id: Bun.randomUUIDv7(),
      type: 'user.deleted',
      version: 1,
      source: 'auth',
      subject: `user:${userId}`,
      actorId: userId,
      occurredAt: new Date().toISOString(),
      data: { userId, username: 'ana' },
    };
    const hear = () => database.db.transaction((tx) => handle(departureConsumers, tx, envelope, () => {}));
    await hear();
    await hear();
    expect(await round()).toBe(1);
    expect(await round()).toBe(0);
    await hear();
    expect(await round()).toBe(1);
    expect(asked).toEqual([userId, userId]);
  });

  test('are looked at again, ever more rarely, as long as something may come late, and then no more', async () => {
    await noteDeparture(database.db, Bun.randomUUIDv7());
    await round();
    expect(await dueInSeconds()).toBeWithin(-60, 3);
    await letTimePass('10 minutes');
    await round();
    expect(await dueInSeconds()).toBeWithin(500, 700);
    await letTimePass('2 days');
    await round();
    expect(await dueInSeconds()).toBeWithin(3500, 3601);
    await letTimePass('7 days');
    await round();
    expect(await database.db.$count(departures)).toBe(0);
    expect(asked).toHaveLength(4);
  });

  test('one that cannot be forgotten yet does not keep the others, and is not given up', async () => {
    const ids = [Bun.randomUUIDv7(), Bun.randomUUIDv7(), Bun.randomUUIDv7()];
    for (const id of ids) await noteDeparture(database.db, id);
    await round(async (id) => {
      if (id === ids[1]) throw new Error('not yet');
      await forget(id);
    });
    expect(asked.toSorted()).toEqual([ids[0] ?? '', ids[2] ?? ''].toSorted());
    await letTimePass('1 minute');
    await round();
    expect(asked).toContain(ids[1] ?? '');
  });

  test('a round is bounded, and one that is told to stop leaves the rest due', async () => {
    for (let n = 0; n < 60; n++) await noteDeparture(database.db, Bun.randomUUIDv7());
    const stopped = new AbortController();
    await round(async (id) => {
      await forget(id);
      stopped.abort();
    }, stopped.signal);
    expect(asked).toHaveLength(1);
    expect(await round()).toBe(50);
    expect(await round()).toBe(10);
  });

  test('beside a second process, all are forgotten', async () => {
    const loops = [1, 2].map(() =>
      startDepartures({ db: database.db, url: database.url, service: 'test', forget, log }),
    );
    const ids = Array.from({ length: 5 }, () => Bun.randomUUIDv7());
    for (const id of ids) await noteDeparture(database.db, id);
    await eventually(() => ids.every((id) => asked.includes(id)));
    await Promise.all(loops.map((loop) => loop.stop()));
  });
});

describe('who is held', () => {
  test('pages hold each user once, in order, from every column, and no other callers', async () => {
    const ids = Array.from({ length: 25 }, () => Bun.randomUUIDv7());
    for (const [at, caller] of [...ids, 'a service'].entries()) {
      for (const key of ['one', 'two']) {
        await database.sql`
          insert into idempotency_keys (caller, key, fingerprint) values (${caller}, ${key}, 'x')`;
      }
      if (at % 2 === 0 && at < 25) await noteDeparture(database.db, caller);
    }
    const read = heldIn(
      heldByKeys,
      (after, limit) => sql`
        select user_id from departures where user_id > ${after}::uuid order by user_id limit ${limit}`,
    );
    const seen: string[] = [];
    for (let after = FIRST_USER; ; ) {
      const page = await read(database.db, after, 10);
      expect(page.length).toBeLessThanOrEqual(10);
      seen.push(...page);
      after = page.at(-1) ?? '';
      if (page.length < 10) break;
    }
    expect(seen).toEqual(ids.toSorted());
  });
});
