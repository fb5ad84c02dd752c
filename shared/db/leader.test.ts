import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createLog } from '../runtime/log.ts';
import { pause } from '../runtime/loop.ts';
import { eventually } from '../testing/eventually.ts';
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import { SPINE_MIGRATIONS } from '../testing/spine.ts';
import { startLeader } from './leader.ts';

const log = createLog('test', 'silent');
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(SPINE_MIGRATIONS);
});
afterAll(() => database.drop());

/** Notes who leads, from when it begins until it has come to rest. */
function candidate(leading: Set<string>, who: string) {
  return startLeader({
    url: database.url,
    name: 'test',
    log,
    async lead(signal) {
      leading.add(who);
      while (!signal.aborted) await pause(60_000, signal);
      leading.delete(who);
    },
  });
}

describe('a leader', () => {
  test('one leads at a time; when it stops the other takes over', async () => {
    const leading = new Set<string>();
    const candidates = { a: candidate(leading, 'a'), b: candidate(leading, 'b') };
    const first = await eventually(() => [...leading][0]);
    await candidates[first as 'a' | 'b'].stop();
    const second = await eventually(() => [...leading][0]);
    expect([first, second].sort()).toEqual(['a', 'b']);
    await candidates[second as 'a' | 'b'].stop();
    expect(leading.size).toBe(0);
  });

  test('comes to rest at whatever step it is told to stop', async () => {
    const leading = new Set<string>();
    for (let ms = 0; ms < 40; ms++) {
      const leader = candidate(leading, `${ms}`);
      // The instant is what is tried, not a wait for something.
      await Bun.sleep(ms);
      await leader.stop();
      expect(leading.size).toBe(0);
    }
  });
});
