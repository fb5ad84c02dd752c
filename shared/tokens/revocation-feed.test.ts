import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { Registry } from 'prom-client';
import type { LiveBus } from '../live/bus.ts';
import { postgresBus } from '../live/postgres-bus.ts';
import { createLog } from '../runtime/log.ts';
import { eventually } from '../testing/eventually.ts';
import { HANG_MS } from '../testing/hang.ts';
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import { SPINE_MIGRATIONS } from '../testing/spine.ts';
import { BEAT_SEQS, BEAT_TOPIC, parseBeat, type RevocationsPage, toBeat } from './revocation-beat.ts';
import { type RevocationFeed, startRevocationFeed } from './revocation-feed.ts';
import { createRevocations, type Revocation, type Revocations } from './revocations.ts';

let database: TestDatabase;
let bus: LiveBus;
beforeAll(async () => {
  database = await createTestDatabase(SPINE_MIGRATIONS);
  bus = await postgresBus(database.sql);
});
afterAll(async () => {
  await bus.close();
  await database.drop();
});

type Item = RevocationsPage['items'][number];

let feed: RevocationFeed | undefined;
let beating: Timer | undefined;
afterEach(async () => {
  clearInterval(beating);
  await feed?.stop();
});

/** A process that follows an auth which has `told` this much, a page of two at a time. */
function follow(told: Item[]) {
  const revocations: Revocations = createRevocations();
  const asked: { since: number; at: number }[] = [];
  const saved: Revocation[] = [];
  const state = { away: false };
  feed = startRevocationFeed({
    bus,
    revocations,
    log: createLog('test', 'silent'),
    async ask(since) {
      asked.push({ since, at: performance.now() });
      if (state.away) throw new Error('auth is away');
      const beyond = told.filter(({ seq }) => seq > since);
      const items = beyond.slice(0, 2);
      return { items, next: items.at(-1)?.seq ?? since, more: beyond.length > 2 };
    },
    save: async (rows) => void saved.push(...rows),
  });
  return { revocations, asked, saved, state };
}

/** Auth's beat, naming what `latest` says. */
function beat(latest: () => number[]): void {
  beating = setInterval(() => bus.publish(BEAT_TOPIC, toBeat(latest())), 100);
}

const item = (seq: number): Item => ({
  seq,
  userId: Bun.randomUUIDv7(),
  sessionIds: [Bun.randomUUIDv7()],
  minGeneration: null,
  expiresAt: new Date(Date.now() + 900_000).toISOString(),
});

const toRow = (from: Item): Revocation => ({ ...from, expiresAt: new Date(from.expiresAt) });

describe('the feed of revocations', () => {
  test(
    'without a beat, auth is asked: all pages at the start, then what is new, about once a second',
    async () => {
      const told = [item(1), item(2), item(3), item(4), item(5)];
      const { asked, revocations, saved } = follow(told);
      await eventually(() => [1, 2, 3, 4, 5].every(revocations.has));
      expect(asked.slice(0, 3).map(({ since }) => since)).toEqual([0, 2, 4]);
      told.push(item(6));
      await eventually(() => revocations.has(6));
      await eventually(() => asked.length >= 7);
      expect(saved.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
      // The pages of one question follow at once; questions do not.
      const questions = asked.filter(({ since }, n) => n === 0 || since > 4).map(({ at }) => at);
      const gaps = questions.slice(1).map((at, n) => at - (questions[n] ?? 0));
      expect(Math.min(...gaps)).toBeGreaterThan(500);
    },
    HANG_MS,
  );

  test(
    'with a beat that names nothing new, auth is left in peace',
    async () => {
      beat(() => [1]);
      const { asked, revocations } = follow([item(1)]);
      await eventually(() => revocations.has(1));
      await eventually(async () => {
        const before = asked.length;
        await Bun.sleep(2500);
        return asked.length === before;
      });
    },
    HANG_MS,
  );

  test(
    'what a beat names, and no event brings, is asked for, and kept',
    async () => {
      let latest = [7];
      beat(() => latest);
      const told = [item(7)];
      const { revocations, saved } = follow(told);
      await eventually(() => revocations.has(7));
      // Known in time, by its event: nothing to ask for. The next is on no way here.
      revocations.add([toRow(item(9))]);
      told.push(item(10));
      latest = [10, 9, 7];
      await eventually(() => revocations.has(10));
      expect(saved.map(({ seq }) => seq)).toEqual([7, 10]);
    },
    HANG_MS,
  );

  test(
    'while auth is away too, what is known counts, the age grows, and it comes back to rest',
    async () => {
      const told = [item(1)];
      const { revocations, state } = follow(told);
      await eventually(() => revocations.has(1));
      state.away = true;
      const registry = new Registry();
      feed?.register(registry);
      await eventually(async () => {
        const { values } = (await registry.getSingleMetric('revocation_feed_age_seconds')?.get()) ?? {};
        return (values?.[0]?.value ?? 0) > 2;
      });
      expect(revocations.has(1)).toBe(true);
      told.push(item(2));
      state.away = false;
      await eventually(() => revocations.has(2) && (feed?.age() ?? 9) < 2);
    },
    HANG_MS,
  );

  test('a beat is small enough for a hint, and nonsense is none', () => {
    const seqs = Array.from({ length: BEAT_SEQS }, (_, n) => Number.MAX_SAFE_INTEGER - n);
    expect(parseBeat(toBeat(seqs))).toEqual(seqs);
    expect(toBeat(seqs).length).toBeLessThan(7500);
    for (const nonsense of ['', '{', '{}', '[-1]', '["1"]', JSON.stringify(Array(101).fill(1))]) {
      expect(parseBeat(nonsense)).toBeUndefined();
    }
  });
});
