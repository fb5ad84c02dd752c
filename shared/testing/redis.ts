import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../stores/postgres-process.ts';
import { eventually } from './eventually.ts';

export type TestRedis = {
  url: string;
  pid: number;
  restart(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
};

/** A real Redis on a free port, append-only as in production. */
export async function startRedis(): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'tertulia-redis-'));
  const port = await freePort();
  let child = await run();

  async function run() {
    const flags = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
    ];
    const started = Bun.spawn(['redis-server', ...flags], { stdout: 'ignore', stderr: 'ignore' });
    await eventually(() => answersPing(port));
    return started;
  }

  return {
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child.pid;
    },
    async restart(signal = 'SIGTERM') {
      child.kill(signal);
      await child.exited;
      child = await run();
    },
    async stop() {
      child.kill('SIGKILL');
      await child.exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answersPing(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      open: (open) => void open.write('PING\r\n'),
      data: (open, data) => {
        resolve(data.toString().startsWith('+PONG'));
        open.end();
      },
      close: () => resolve(false),
      error: () => resolve(false),
    },
  });
  return promise.finally(() => socket.end());
}
