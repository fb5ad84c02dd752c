import { expect, test } from 'bun:test';
import { availableParallelism } from 'node:os';
import { createPasswords, isOutdated, MAX_WAITING } from './passwords.ts';

test('at most as many at once as there are cores; a full queue refuses at once, and the queue drains', async () => {
  const passwords = await createPasswords();
  const cores = availableParallelism();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  const turn = async () => {
    most = Math.max(most, ++running);
    await gate;
    running--;
    throw new Error('enough seen');
  };
  const admitted = Array.from({ length: cores + MAX_WAITING }, () =>
    passwords.verify('whatever it is', undefined, turn).catch((error: Error) => error.message),
  );
  // While nothing moves at all, the next one has its answer.
  const refused = await passwords.verify('one too many', undefined).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'unavailable', headers: { 'Retry-After': '5' } });
  const refusedHash = await passwords.hash('one too many').catch((error: unknown) => error);
  expect(refusedHash).toMatchObject({ code: 'unavailable' });
  open();
  expect(new Set(await Promise.all(admitted))).toEqual(new Set(['enough seen']));
  expect(most).toBe(cores);
  expect(await passwords.verify('right', await passwords.hash('right'))).toBe(true);
});

test('every character counts: nothing is cut at 72 bytes, or at a NUL', async () => {
  const passwords = await createPasswords();
  const long = 'a'.repeat(72);
  expect(await passwords.verify(long, await passwords.hash(`${long}b`))).toBe(false);
  expect(await passwords.verify('secret', await passwords.hash('secret\0more'))).toBe(false);
});

test('no account: false, whatever is given', async () => {
  const passwords = await createPasswords();
  expect(await passwords.verify('anything', undefined)).toBe(false);
});

test('a hash tells whether it was made as today', async () => {
  const passwords = await createPasswords();
  expect(isOutdated(await passwords.hash('some password'))).toBe(false);
  const weak = { algorithm: 'argon2id', memoryCost: 8192, timeCost: 1 } as const;
  expect(isOutdated(await Bun.password.hash('some password', weak))).toBe(true);
});
