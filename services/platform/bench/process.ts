import { readFileSync } from 'node:fs';
import { eventually } from '@tertulia/shared/testing/eventually';

/** Clock ticks a second in `/proc`: 100 on every Linux that Bun runs on. */
const TICKS = 100;

/** CPU time that a process has used, seconds. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resident memory of a process, MiB: now, or its peak. */
export function rssMiB(pid: number, which: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  const kib = new RegExp(`^${which}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib ?? Number.NaN) / 1024;
}

/** Starts a program and waits until its address answers. */
export async function startServer(command: string[], env: Record<string, string>, url: string) {
  const child = Bun.spawn(command, {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
  });
  await eventually(async () => (await fetch(url)).status < 500, { ms: 20_000, every: 50 });
  return {
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM');
      await child.exited;
    },
  };
}
