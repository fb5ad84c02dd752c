import { describe, expect, test } from 'bun:test';

/** A process that is told to stop and whose `stop` is the given code. */
async function exitOf(stop: string, limit: string): Promise<number> {
  const code = `
    import { stopOnSignal } from '${import.meta.dir}/service.ts';
    setInterval(() => {}, 1000);
    stopOnSignal(${stop}, ${limit});
    process.kill(process.pid, 'SIGTERM');`;
  const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'ignore', stderr: 'ignore' });
  return child.exited;
}

describe('a process that is told to stop', () => {
  test('exits 0 when it has come to rest', async () => {
    expect(await exitOf('async () => {}', '60_000')).toBe(0);
  });

  test('exits 1 when closing fails, and when it does not end', async () => {
    expect(await exitOf('async () => { throw new Error() }', '60_000')).toBe(1);
    expect(await exitOf('() => new Promise(() => {})', '50')).toBe(1);
  });
});
