import { beforeAll, describe, expect, test } from 'bun:test';
import { createTestTokens, type TestTokens } from '../testing/tokens.ts';
import { createRevocations, REVOCATION_SKEW_SECONDS, type Revocation } from './revocations.ts';
import { TokenOutdated } from './verify.ts';

const LIFE_MS = 900_000;
let seq = 0;

function revocation(change: Partial<Revocation> = {}): Revocation {
  return {
    seq: ++seq,
    userId: Bun.randomUUIDv7(),
    sessionIds: [],
    minGeneration: null,
    expiresAt: new Date(Date.now() + LIFE_MS),
    ...change,
  };
}

const caller = (userId: string, sessionId: string, version = 0) => ({
  userId,
  sessionId,
  version,
  expiresAt: (Date.now() + LIFE_MS) / 1000,
});

const [user, other, phone, desk] = Array.from({ length: 4 }, () => Bun.randomUUIDv7()) as [
  string,
  string,
  string,
  string,
];

describe('what a process remembers of revoked tokens', () => {
  test('a session is dead, whatever its generation; others of the user live', () => {
    const { add, verdict } = createRevocations();
    add([revocation({ userId: user, sessionIds: [phone] })]);
    expect(verdict(caller(user, phone, 99))).toBe('dead');
    expect(verdict(caller(user, desk))).toBeUndefined();
  });

  test('an earlier generation is outdated; the highest minimum counts, in whatever order they come', () => {
    const { add, verdict } = createRevocations();
    add([revocation({ userId: user, minGeneration: 3 })]);
    add([revocation({ userId: user, minGeneration: 2 })]);
    expect([2, 3, 4].map((version) => verdict(caller(user, desk, version)))).toEqual([
      'outdated',
      undefined,
      undefined,
    ]);
    expect(verdict(caller(other, desk, 0))).toBeUndefined();
  });

  test('listeners hear whose it is, once an addition', () => {
    const { add, onRevoked } = createRevocations();
    const heard: string[] = [];
    onRevoked((userId) => heard.push(userId));
    add([revocation({ userId: user }), revocation({ userId: user }), revocation({ userId: other })]);
    expect(heard).toEqual([user, other]);
  });

  test('what has run out is forgotten, no sooner', () => {
    const { add, has, size, sweep, verdict } = createRevocations();
    const row = revocation({ userId: user, sessionIds: [phone], minGeneration: 1 });
    add([row]);
    sweep(row.expiresAt.getTime());
    expect([has(row.seq), size(), verdict(caller(user, phone))]).toEqual([true, 2, 'dead']);
    sweep(row.expiresAt.getTime() + 1);
    expect([has(row.seq), size(), verdict(caller(user, phone))]).toEqual([false, 0, undefined]);
  });

  test('past the bound nothing is let through: tokens as old as what was forgotten are outdated', () => {
    const { add, size, verdict } = createRevocations(100);
    const sessions = Array.from({ length: 150 }, () => Bun.randomUUIDv7());
    // Revoked a while ago, and as full as it gets; a token signed then had this long to live.
    const expiresAt = new Date(Date.now() + LIFE_MS / 2);
    const until = expiresAt.getTime() / 1000 - REVOCATION_SKEW_SECONDS;
    for (const id of sessions) add([revocation({ userId: user, sessionIds: [id], expiresAt })]);
    expect(size()).toBe(100);
    const old = { ...caller(user, ''), expiresAt: until };
    for (const sessionId of sessions) expect(verdict({ ...old, sessionId })).toBeOneOf(['dead', 'outdated']);
    expect(verdict({ ...old, userId: other, sessionId: desk })).toBe('outdated');
    expect(verdict(caller(other, desk))).toBeUndefined();
    for (let n = 0; n < 150; n++) add([revocation({ minGeneration: 1 })]);
    expect(size()).toBe(200);
  });
});

describe('the verifier', () => {
  let tokens: TestTokens;
  beforeAll(async () => {
    tokens = await createTestTokens();
  });

  test('refuses at once what it remembers as good', async () => {
    const { id, token } = await tokens.user('USER', { sid: phone, ver: 1 });
    for (let n = 0; n < 2; n++) expect((await tokens.verifier.verify(token)).userId).toBe(id);
    tokens.revocations.add([revocation({ userId: id, minGeneration: 2 })]);
    await expect(tokens.verifier.verify(token)).rejects.toBeInstanceOf(TokenOutdated);
    tokens.revocations.add([revocation({ userId: id, sessionIds: [phone] })]);
    await expect(tokens.verifier.verify(token)).rejects.toMatchObject({
      code: 'unauthenticated',
      detail: 'The session is over.',
    });
  });

  test('a token of a dead session that is shown for the first time', async () => {
    const { id, token } = await tokens.user('ADMIN', { sid: desk });
    tokens.revocations.add([revocation({ userId: id, sessionIds: [desk] })]);
    await expect(tokens.verifier.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});
