import { expect, spyOn, test } from 'bun:test';
import { availableParallelism } from 'node:os';
import { parseEnv } from '@tertulia/shared/config/env';
import { authEnv } from '../env.ts';
import { costOf, createPasswords, MAX_WAITING } from './passwords.ts';

const cheap = { memoryCost: 1024, timeCost: 2 };

test('at most as many at once as there are cores; a full queue refuses at once, and the queue drains', async () => {
  const passwords = await createPasswords(cheap);
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
  const passwords = await createPasswords(cheap);
  const long = 'a'.repeat(72);
  expect(await passwords.verify(long, await passwords.hash(`${long}b`))).toBe(false);
  expect(await passwords.verify('secret', await passwords.hash('secret\0more'))).toBe(false);
});

test('no account: false, whatever is given', async () => {
  const passwords = await createPasswords(cheap);
  expect(await passwords.verify('anything', undefined)).toBe(false);
});

test('a hash tells whether it was made as today', async () => {
  const passwords = await createPasswords(cheap);
  expect(passwords.isOutdated(await passwords.hash('some password'))).toBe(false);
  const weak = { algorithm: 'argon2id', memoryCost: 512, timeCost: 1 } as const;
  expect(passwords.isOutdated(await Bun.password.hash('some password', weak))).toBe(true);
});

test('a wrong password costs as much work against a hash of cheaper days; a right one no more than it must', async () => {
  const passwords = await createPasswords(cheap);
  const weak = { algorithm: 'argon2id', memoryCost: 512, timeCost: 1 } as const;
  const old = await Bun.password.hash('the right one', weak);
  const hashing = spyOn(Bun.password, 'hash');
  expect(await passwords.verify('a wrong one', old)).toBe(false);
  // 512 KiB once and 768 KiB twice, where a hash of today has 1024 KiB twice.
  expect(hashing.mock.calls.map(([, options]) => options)).toEqual([
    { algorithm: 'argon2id', memoryCost: 768, timeCost: 2 },
  ]);
  expect(await passwords.verify('the right one', old)).toBe(true);
  expect(await passwords.verify('a wrong one', await passwords.hash('as of today'))).toBe(false);
  expect(hashing).toHaveBeenCalledTimes(2);
  hashing.mockRestore();
});

test('without settings: 64 MiB, 2 passes', async () => {
  expect(costOf(parseEnv(authEnv, {}))).toEqual({ memoryCost: 65_536, timeCost: 2 });
});
