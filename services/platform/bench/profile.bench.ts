import { join } from 'node:path';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import { signUp } from '../e2e/people.ts';
import { startStack } from '../e2e/stack.ts';
import { cpuSeconds, startServer } from './process.ts';
import type { BenchRow } from './row.ts';
import { median } from './statistics.ts';

const ROUNDS = 5;
const ROUND_MS = 3000;
const CONNECTIONS = 16;

/** `GET /auth/profile` with a token, against a bare Hono route that verifies the same token and runs the same select. */
export async function profileBench(): Promise<BenchRow[]> {
  const stack = await startStack({ LOG_LEVEL: 'info' });
  const person = await signUp(stack, 'bench');
  const port = await freePort();
  const bare = await startServer(
    [process.execPath, join(import.meta.dir, 'bare-hono.ts')],
    {
      PORT: String(port),
      DATABASE_URL: stack.databaseUrl('auth'),
      JWKS_URL: `${stack.url('auth')}/.well-known/jwks.json`,
    },
    `http://127.0.0.1:${port}/`,
  );
  const contenders = [
    { pid: stack.pid('auth'), url: `${stack.url('auth')}/auth/profile` },
    { pid: bare.pid, url: `http://127.0.0.1:${port}/auth/profile` },
  ];
  const perSecond: number[][] = [[], []];
  const perCpuSecond: number[][] = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [at, { pid, url }] of contenders.entries()) {
      const before = cpuSeconds(pid);
      const { requests, seconds } = await load(url, person.token);
      if (round === 0) continue; // Warming up.
      perSecond[at]?.push(requests / seconds);
      perCpuSecond[at]?.push(requests / (cpuSeconds(pid) - before));
    }
  }
  await bare.stop();
  await stack.stop();
  return [
    row('GET /auth/profile, requests a second', perSecond),
    row('GET /auth/profile, requests a CPU second', perCpuSecond),
  ];
}

function row(what: string, [ours = [], bare = []]: number[][]): BenchRow {
  const ratio = median(ours.map((value, at) => value / (bare[at] ?? Number.NaN)));
  return {
    what,
    ours: median(ours).toFixed(0),
    yardstick: `bare Hono: ${median(bare).toFixed(0)}`,
    ratio: ratio.toFixed(2),
    target: '≥ 0.60',
  };
}

async function load(url: string, token: string) {
  const started = performance.now();
  const end = started + ROUND_MS;
  const headers = { Authorization: `Bearer ${token}` };
  let requests = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() < end) {
        const response = await fetch(url, { headers });
        if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
        await response.arrayBuffer();
        requests++;
      }
    }),
  );
  return { requests, seconds: (performance.now() - started) / 1000 };
}
