import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import { effects } from '../testing/schema.ts';
import { SPINE_MIGRATIONS } from '../testing/spine.ts';
import { idempotencyKeys, idempotently, sweepIdempotencyKeys } from './idempotency.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(SPINE_MIGRATIONS);
});
beforeEach(async () => {
  await database.db.delete(effects);
  await database.db.delete(idempotencyKeys);
});
afterAll(() => database.drop());

type Change = { key?: string | undefined; caller?: string; body?: unknown; fail?: boolean };

function run({ key = 'k', caller = 'a', body = { n: 1 }, fail = false }: Change = {}) {
  return idempotently(database.db, { key, caller, route: 'POST /x', body }, async (tx) => {
    const eventId = Bun.randomUUIDv7();
    await tx.insert(effects).values({ eventId, subject: 'x', note: 'x' });
    if (fail) throw new Error('undo');
    return { id: eventId };
  });
}
const rows = () => database.db.$count(effects);

describe('idempotently', () => {
  test('twenty at once with one key: one effect, one answer', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => run()));
    expect(new Set(outcomes.map(({ answer }) => answer.id)).size).toBe(1);
    expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await rows()).toBe(1);
  });

  test('the same key with another body is refused; another caller has keys of its own', async () => {
    await run();
    await expect(run({ body: { n: 2 } })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    expect((await run({ caller: 'b' })).replayed).toBe(false);
    expect(await rows()).toBe(2);
  });

  test('an effect that fails leaves nothing, and the key free', async () => {
    await expect(run({ fail: true })).rejects.toThrow('undo');
    expect(await rows()).toBe(0);
    expect((await run()).replayed).toBe(false);
  });

  test('without a key, every call is one of its own', async () => {
    const free = () =>
      idempotently(database.db, { key: undefined, caller: 'a', route: 'x', body: {} }, async () => 1);
    expect([(await free()).replayed, (await free()).replayed]).toEqual([false, false]);
  });

  test('a key is forgotten after a day', async () => {
    await run();
    await database.db.update(idempotencyKeys).set({ createdAt: new Date(Date.now() - 25 * 3_600_000) });
    expect((await run({ body: { n: 2 } })).replayed).toBe(false);
    await database.db.update(idempotencyKeys).set({ createdAt: new Date(Date.now() - 25 * 3_600_000) });
    expect(await sweepIdempotencyKeys(database.db)).toBe(1);
  });
});
