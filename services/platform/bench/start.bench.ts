import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import { rssMiB } from './process.ts';
import type { BenchRow } from './row.ts';
import { median } from './statistics.ts';

const ROUNDS = 3;
const IDLE_MS = 10_000;

/** Warm start of everything in one process, and what it holds when idle, Postgres aside. */
export async function startBench(): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tertulia-bench-'));
  const env: Record<string, string> = { ...(process.env as Record<string, string>), DATA_DIR: folder };
  for (const service of ['AUTH', 'MEDIA', 'COMMENTS', 'NOTIFICATIONS', 'WEB'])
    env[`${service}_PORT`] = String(await freePort());
  const cold = await start(env);
  await cold.stop();
  const seconds: number[] = [];
  let idle = Number.NaN;
  for (let round = 0; round < ROUNDS; round++) {
    const warm = await start(env);
    seconds.push(warm.seconds);
    if (round === ROUNDS - 1) {
      await Bun.sleep(IDLE_MS);
      idle = rssMiB(warm.pid);
    }
    await warm.stop();
  }
  await rm(folder, { recursive: true, force: true });
  return [
    {
      what: 'warm start of everything, seconds',
      ours: median(seconds).toFixed(2),
      yardstick: `first start: ${cold.seconds.toFixed(2)}`,
      ratio: (median(seconds) / cold.seconds).toFixed(2),
      target: '≤ 5 s',
    },
    {
      what: 'idle RSS of everything, Postgres aside, MiB',
      ours: idle.toFixed(0),
      yardstick: '',
      ratio: '',
      target: '< 250 MiB',
    },
  ];
}

async function start(env: Record<string, string>) {
  const started = performance.now();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, '..', 'start.ts')], {
    env,
    stdout: 'pipe',
    stderr: 'inherit',
  });
  let text = '';
  for await (const chunk of child.stdout) {
    text += Buffer.from(chunk).toString();
    if (text.includes('Tertulia is ready')) break;
  }
  if (!text.includes('Tertulia is ready')) throw new Error('it did not start');
  const seconds = (performance.now() - started) / 1000;
  return {
    pid: child.pid,
    seconds,
    async stop() {
      child.kill('SIGTERM');
      await child.exited;
    },
  };
}
