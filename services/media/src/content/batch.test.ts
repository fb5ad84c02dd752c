import { expect, test } from 'bun:test';
import { createBatch } from './batch.ts';

/** A store of one value for every key; each look-up waits until it is let go. */
function store() {
  const asked: string[][] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  let value = 0;
  const find = createBatch(async (keys) => {
    asked.push([...keys]);
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    const read = value;
    await gate.promise;
    return new Map(keys.filter((key) => key !== 'none').map((key) => [key, `${key}${read}`]));
  });
  return {
    find,
    asked,
    set: (next: number) => {
      value = next;
    },
    async letGo() {
      gates.shift()?.resolve();
      await Bun.sleep(0);
    },
    fail: () => gates.shift()?.reject(new Error('away')),
  };
}

test('who asks while a look-up runs is answered by the next, never by one that began before', async () => {
  const { find, asked, set, letGo } = store();
  const before = find('a');
  set(1);
  const after = [find('a'), find('a'), find('b'), find('none')];
  await letGo();
  await letGo();
  expect(await before).toBe('a0');
  expect(await Promise.all(after)).toEqual(['a1', 'a1', 'b1', undefined]);
  expect(asked).toEqual([['a'], ['a', 'b', 'none']]);
});

test('a look-up has at most 200 keys, and every one is answered', async () => {
  const { find, asked, letGo } = store();
  const all = Promise.all(Array.from({ length: 500 }, (_, n) => find(`k${n}`)));
  for (let n = 0; n < 5; n++) await letGo();
  expect((await all).length).toBe(500);
  expect(asked.map(({ length }) => length)).toEqual([1, 200, 200, 99]);
});

test('one that fails fails for those it was for; the next goes on', async () => {
  const { find, fail, letGo } = store();
  const first = find('a');
  const second = find('b');
  fail();
  await expect(first).rejects.toThrow('away');
  await Bun.sleep(0);
  await letGo();
  expect(await second).toBe('b0');
});
