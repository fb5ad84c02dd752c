import { expect, test } from 'bun:test';
import { createKnownKeys } from './known-keys.ts';

const key = (id: string) => ({ id, secret: Buffer.from(id).toString('base64url') });

/** Keys that a test adds to; each look waits until it is let go. */
function keysOf(...ids: string[]) {
  const stored = ids.map(key);
  const waiting: (() => void)[] = [];
  let looks = 0;
  const known = createKnownKeys(async () => {
    looks++;
    const seen = [...stored];
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    await promise;
    return seen;
  });
  return {
    known,
    add: (id: string) => stored.push(key(id)),
    looks: () => looks,
    async letGo() {
      waiting.shift()?.();
      await Bun.sleep(0);
    },
  };
}

test('one look for all who ask at once; then none', async () => {
  const { known, looks, letGo } = keysOf('a', 'b');
  const asked = Promise.all(Array.from({ length: 100 }, () => known.find('a')));
  await letGo();
  // Those that came while it ran share one more, since theirs may have come to be meanwhile.
  await letGo();
  expect((await asked).every((secret) => secret?.toString() === 'a')).toBe(true);
  expect(looks()).toBe(2);
  expect((await known.find('b'))?.toString()).toBe('b');
  expect(looks()).toBe(2);
});

test('a key that came to be while a look ran is found by the next', async () => {
  const { known, add, letGo } = keysOf('a');
  const first = known.find('a');
  add('new');
  const second = known.find('new');
  await letGo();
  await letGo();
  expect((await first)?.toString()).toBe('a');
  expect((await second)?.toString()).toBe('new');
});

test('what is none is looked for once a minute, and of many the last are remembered', async () => {
  const { known, looks, letGo } = keysOf('a');
  const ask = async (id: string) => {
    const found = known.find(id);
    await letGo();
    return found;
  };
  expect(await ask('none')).toBeUndefined();
  expect(await ask('none')).toBeUndefined();
  expect(looks()).toBe(1);
  for (let n = 0; n < 10_000; n++) await ask(`none${n}`);
  const before = looks();
  expect(await ask('none9999')).toBeUndefined();
  expect(looks()).toBe(before);
  expect(await ask('none')).toBeUndefined();
  expect(looks()).toBe(before + 1);
});

test('a look that fails is tried again by who asks next', async () => {
  let fails = true;
  const known = createKnownKeys(async () => {
    if (fails) throw new Error('away');
    return [key('a')];
  });
  await expect(known.find('a')).rejects.toThrow('away');
  fails = false;
  expect((await known.find('a'))?.toString()).toBe('a');
});
