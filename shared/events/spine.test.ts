import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { asc, eq } from 'drizzle-orm';
import { createLog } from '../runtime/log.ts';
import type { Loop } from '../runtime/loop.ts';
import { type Carriers, openCarriers } from '../stores/carriers.ts';
import { openRedis, whenReady } from '../stores/redis.ts';
import { eventually } from '../testing/eventually.ts';
import { describeWith } from '../testing/needs.ts';
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import { startRedis, type TestRedis } from '../testing/redis.ts';
import { effects } from '../testing/schema.ts';
import { announceNote, noteTaker, SPINE_MIGRATIONS, takeNote, takeNotes } from '../testing/spine.ts';
import { announce } from './announce.ts';
import type { EventOf } from './catalog.ts';
import { type Consumers, together } from './consumers.ts';
import { startReader } from './reader.ts';
import { startRelay } from './relay.ts';
import { countSetAside, listDeadLetters, replayDeadLetter } from './set-aside.ts';
import { outbox, streamPositions } from './tables.ts';

const log = createLog('test', process.env.TEST_LOG ?? 'silent');

describeSpine('Postgres', async () => {
  const database = await createTestDatabase(SPINE_MIGRATIONS);
  return { env: { EVENTS_DATABASE_URL: database.url }, close: () => database.drop() };
});

describeWith('redis-server')('with a Redis', () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  describeSpine('Redis', async () => {
    const redis = openRedis(server.url, log);
    await whenReady(redis);
    // Streams have fixed names, and this Redis has served another test before.
    await redis.flushall();
    redis.disconnect();
    return { env: { EVENTS_REDIS_URL: server.url }, close: async () => {} };
  });
});

type Carrier = { env: { EVENTS_REDIS_URL?: string; EVENTS_DATABASE_URL?: string }; close(): Promise<void> };

function describeSpine(name: string, carrier: () => Promise<Carrier>): void {
  describe(`the event spine on ${name}`, () => {
    let carried: Carrier;
    let carriers: Carriers;
    let producer: TestDatabase;
    let consumer: TestDatabase;
    let loops: Loop[];

    beforeEach(async () => {
      carried = await carrier();
      carriers = await openCarriers(carried.env, 'test', log);
      [producer, consumer] = await Promise.all([
        createTestDatabase(SPINE_MIGRATIONS),
        createTestDatabase(SPINE_MIGRATIONS),
      ]);
      loops = [];
    });
    afterEach(async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
      await carriers.close();
      await Promise.all([producer.drop(), consumer.drop(), carried.close()]);
    });

    function relay(maxStream?: number) {
      const limit = maxStream === undefined ? {} : { maxStream };
      loops.push(
        startRelay({
          source: 'auth',
          url: producer.url,
          sql: producer.sql,
          stream: carriers.stream,
          log,
          ...limit,
        }),
      );
    }
    const reader = (poison?: (event: EventOf<'user.registered'>) => boolean) => read(noteTaker(poison));
    function read(consumers: Consumers) {
      const options = {
        source: 'auth',
        reader: `test-${consumer.url}`,
        url: consumer.url,
        db: consumer.db,
        log,
      } as const;
      loops.push(startReader({ ...options, stream: carriers.stream, consumers, retryMs: 5 }));
    }
    const tell = (userId: string, note: string) =>
      producer.db.transaction((tx) => announceNote(tx, userId, note));
    const applied = () => consumer.db.select().from(effects).orderBy(asc(effects.place));
    const notes = async (userId: string) =>
      (await applied()).filter(({ subject }) => subject === `user:${userId}`).map(({ note }) => note);

    test('every committed event is applied once, in order per subject; what was rolled back is not', async () => {
      relay();
      reader();
      const users = Array.from({ length: 20 }, () => Bun.randomUUIDv7());
      await Promise.all(
        users.map(async (user) => {
          for (let n = 0; n < 20; n++) {
            await tell(user, `${n}`);
            const undone = producer.db.transaction(async (tx) => {
              await announceNote(tx, user, 'rolled back');
              throw new Error('undo');
            });
            await expect(undone).rejects.toThrow('undo');
          }
        }),
      );
      await eventually(async () => (await applied()).length >= 400);
      for (const user of users)
        expect(await notes(user)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
      const [position] = await consumer.db.select().from(streamPositions);
      expect(position?.position).toBe(400);
      expect(await countSetAside(consumer.db)).toEqual({ waiting: 0, dead: 0 });
    });

    test('a batch consumer and a single one keep the order of their subject', async () => {
      const users = Array.from({ length: 5 }, () => Bun.randomUUIDv7());
      const types = [
        'user.registered',
        'user.registered',
        'user.profile_updated',
        'user.registered',
      ] as const;
      const expected = types.map((type, n) => `${type} ${n}`);
      await producer.db.transaction(async (tx) => {
        for (const note of expected) {
          const type = note.startsWith('user.r') ? 'user.registered' : 'user.profile_updated';
          for (const userId of users) {
            const data = { userId, username: note, displayName: null, locale: 'en', role: 'USER' as const };
            await announce(tx, { type, actorId: null, data });
          }
        }
      });
      const calls: number[] = [];
      relay();
      read({
        'user.registered': together(async (tx, events) => {
          calls.push(events.length);
          await takeNotes(tx, events);
        }),
        'user.profile_updated': (tx, event) => takeNote(tx, { ...event, type: 'user.registered' }),
      });
      await eventually(async () => (await applied()).length === 20);
      for (const user of users) expect(await notes(user)).toEqual(expected);
      expect(calls).toEqual([10, 5]);
    });

    test('a reader that comes late gets everything from the start', async () => {
      relay();
      const user = Bun.randomUUIDv7();
      for (let n = 0; n < 5; n++) await tell(user, `${n}`);
      await eventually(async () =>
        (await producer.db.select().from(outbox)).every(({ seq }) => seq !== null),
      );
      reader();
      await eventually(async () => (await notes(user)).length === 5);
    });

    test('a stream stays within its bound, and a slow reader misses nothing', async () => {
      const user = Bun.randomUUIDv7();
      for (let n = 0; n < 50; n++) await tell(user, `${n}`);
      relay(10);
      await eventually(async () => ((await carriers.stream.bounds('auth'))?.last ?? 0) >= 10);
      reader();
      await eventually(async () => (await notes(user)).length === 50);
      expect(await notes(user)).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`));
      await eventually(async () => {
        const bounds = await carriers.stream.bounds('auth');
        return bounds !== undefined && bounds.last - bounds.first < 20;
      });
    });

    test('a poisoned event is set aside with its subject, others go on; replay keeps the order', async () => {
      let poisoned = true;
      relay();
      reader((event) => poisoned && event.data.username === 'bad');
      const [ill, well] = [Bun.randomUUIDv7(), Bun.randomUUIDv7()];
      for (const note of ['first', 'bad', 'after', 'last']) {
        await tell(ill, note);
        await tell(well, note);
      }
      await eventually(async () => (await notes(well)).length === 2 || (await notes(well)).includes('first'));
      const dead = await eventually(async () => {
        const letters = await listDeadLetters(consumer.db, 10);
        return letters.length === 2 && letters;
      });
      expect(dead[0]).toMatchObject({ source: 'auth', tries: 5, error: 'Error: poisoned: bad' });
      expect(await notes(ill)).toEqual(['first']);
      expect(await countSetAside(consumer.db)).toEqual({ waiting: 4, dead: 2 });
      // Other subjects go on meanwhile.
      const other = Bun.randomUUIDv7();
      await tell(other, 'fine');
      await eventually(async () => (await notes(other)).length === 1);

      poisoned = false;
      for (const { source, seq } of dead) expect(await replayDeadLetter(consumer.db, source, seq)).toBe(true);
      await eventually(async () => (await notes(ill)).length === 4 && (await notes(well)).length === 4);
      expect(await notes(ill)).toEqual(['first', 'bad', 'after', 'last']);
      expect(await countSetAside(consumer.db)).toEqual({ waiting: 0, dead: 0 });
      expect(await replayDeadLetter(consumer.db, 'auth', dead[0]?.seq ?? 0)).toBe(false);
    });

    test('what is no envelope is set aside and stops nobody', async () => {
      relay();
      reader();
      const user = Bun.randomUUIDv7();
      await tell(user, 'before');
      await producer.db
        .insert(outbox)
        .values({ eventId: Bun.randomUUIDv7(), subject: 'x', envelope: '{"nonsense' });
      await tell(user, 'after');
      await eventually(async () => (await notes(user)).length === 2);
      expect(await producer.db.$count(outbox, eq(outbox.subject, 'x'))).toBe(1);
    });
  });
}
