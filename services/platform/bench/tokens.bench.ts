import { createTestTokens } from '@tertulia/shared/testing/tokens';
import { verify } from 'hono/jwt';
import { startStack } from '../e2e/stack.ts';
import { cpuSeconds } from './process.ts';
import type { BenchRow } from './row.ts';
import { median } from './statistics.ts';

const SESSIONS = 64;
const ROUNDS = 5;
const ROUND_MS = 3000;
const VERIFICATIONS = 200_000;
const REVOKED = 100_000;

type Session = { refreshToken: string; accessToken: string };

/** Refreshing over HTTP, and what a known token costs a request. */
export async function tokensBench(): Promise<BenchRow[]> {
  return [await refreshes(), await remembered()];
}

/** Each session refreshes as fast as it is answered; the yardstick is the route that only reads a user. */
async function refreshes(): Promise<BenchRow> {
  const stack = await startStack({ LOG_LEVEL: 'info', RATE_LIMIT_SCALE: '100000' });
  const address = stack.url('auth');
  const post = async (path: string, body: unknown) => {
    const response = await fetch(`${address}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as Session;
  };
  const sessions = await Promise.all(
    Array.from({ length: SESSIONS }, (_, n) =>
      post('/auth/register', {
        username: `bench${n}`,
        email: `bench${n}@example.org`,
        password: 'correct horse battery',
      }),
    ),
  );
  const refresh = async (session: Session) => {
    const { refreshToken } = session;
    session.refreshToken = (await post('/auth/refresh', { refreshToken })).refreshToken;
  };
  const read = async ({ accessToken }: Session) => {
    const headers = { Authorization: `Bearer ${accessToken}` };
    await (await fetch(`${address}/auth/profile`, { headers })).arrayBuffer();
  };
  const perCore: number[][] = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [at, work] of [refresh, read].entries()) {
      const before = cpuSeconds(stack.pid('auth'));
      const calls = await load(sessions, work);
      if (round > 0) perCore[at]?.push(calls / (cpuSeconds(stack.pid('auth')) - before));
    }
  }
  await stack.stop();
  const [ours, plain] = [median(perCore[0] ?? []), median(perCore[1] ?? [])];
  return {
    what: 'POST /auth/refresh, a CPU second',
    ours: ours.toFixed(0),
    yardstick: `GET /auth/profile: ${plain.toFixed(0)}`,
    ratio: (ours / plain).toFixed(2),
    target: '≥ 150 a second',
  };
}

/** Runs `work` in every session at once, until the round is over. Returns how many calls there were. */
async function load(
  sessions: readonly Session[],
  work: (session: Session) => Promise<void>,
): Promise<number> {
  const end = performance.now() + ROUND_MS;
  let calls = 0;
  await Promise.all(
    sessions.map(async (session) => {
      while (performance.now() < end) {
        await work(session);
        calls++;
      }
    }),
  );
  return calls;
}

/** A token seen before, while a hundred thousand revocations are known; the yardstick checks its signature. */
async function remembered(): Promise<BenchRow> {
  const { revocations, signer, user, verifier } = await createTestTokens();
  const expiresAt = new Date(Date.now() + 900_000);
  for (let seq = 1; seq <= REVOKED; seq++) {
    const userId = Bun.randomUUIDv7();
    revocations.add([{ seq, userId, sessionIds: [Bun.randomUUIDv7()], minGeneration: 1, expiresAt }]);
  }
  const { token } = await user();
  const key = await crypto.subtle.importKey('jwk', signer.publicJwk, 'Ed25519', true, ['verify']);
  const timed = async (calls: number, work: () => Promise<unknown>) => {
    const started = performance.now();
    for (let n = 0; n < calls; n++) await work();
    return ((performance.now() - started) * 1000) / calls;
  };
  await timed(10_000, () => verifier.verify(token));
  const known = await timed(VERIFICATIONS, () => verifier.verify(token));
  const fresh = await timed(5000, () => verify(token, key, 'EdDSA'));
  return {
    what: 'a remembered token, µs',
    ours: known.toFixed(2),
    yardstick: `its signature: ${fresh.toFixed(0)}`,
    ratio: (known / fresh).toFixed(4),
    target: '< 10 µs',
  };
}
