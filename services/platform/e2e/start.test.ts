import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import { eventually } from '@tertulia/shared/testing/eventually';

const START = join(import.meta.dir, '..', 'start.ts');
const ROOT = join(import.meta.dir, '..', '..', '..');
const SERVICES = ['AUTH', 'MEDIA', 'COMMENTS', 'NOTIFICATIONS', 'WEB'] as const;

let folder: string;
let env: Record<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tertulia-start-'));
  env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', DATA_DIR: join(folder, 'data') };
  for (const service of SERVICES) env[`${service}_PORT`] = String(await freePort());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** On a connection of its own: one that is kept may lead to the process that was killed a moment ago. */
const auth = (path: string, init?: RequestInit) =>
  fetch(`http://127.0.0.1:${env.AUTH_PORT}${path}`, { ...init, keepalive: false });
const post = (path: string, body: unknown) =>
  auth(path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });

/** Runs a command until its output says that all is ready. */
async function run(command: string[], settings: Record<string, string> = {}) {
  const child = Bun.spawn(command, {
    cwd: ROOT,
    env: { ...env, ...settings },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  let text = '';
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  // Read to its end: who writes to a pipe that nobody reads is ended by it.
  const reading = (async () => {
    for await (const chunk of child.stdout) {
      text += Buffer.from(chunk).toString();
      if (text.includes('Ctrl-C stops everything')) resolve();
    }
  })();
  await Promise.race([ready, reading]);
  return { child, text };
}

const start = (settings?: Record<string, string>) => run([process.execPath, START], settings);

async function refused(settings: Record<string, string>) {
  const { child, text } = await start(settings);
  const error = await new Response(child.stderr).text();
  expect(text).toBe('');
  expect(await child.exited).toBe(1);
  expect(error).not.toMatch(/\bat .*\.ts:\d+/);
  return error.trim().split('\n');
}

const isClosed = (port: string) =>
  fetch(`http://127.0.0.1:${port}/health/live`, { keepalive: false }).then(
    () => false,
    () => true,
  );
const allClosed = async () =>
  (await Promise.all(SERVICES.map((service) => isClosed(env[`${service}_PORT`] ?? '')))).every(Boolean);
const postgresIsGone = () => !existsSync(join(env.DATA_DIR ?? '', 'postgres', 'data', 'postmaster.pid'));

describe('npm start', () => {
  const credentials = { email: 'ana@example.org', password: 'correct horse battery' };

  test('shows what listens where and the first administrator, and stops without a trace', async () => {
    const { child, text } = await start();
    for (const service of SERVICES) expect(text).toContain(`http://localhost:${env[`${service}_PORT`]}`);
    expect(text).toContain('/api/docs');
    const [, email, password] = /first administrator: (\S+) \/ (\S+)/.exec(text) ?? [];
    expect((await post('/auth/login', { email, password })).status).toBe(200);
    expect((await post('/auth/register', { username: 'ana', ...credentials })).status).toBe(201);
    child.kill('SIGINT');
    expect(await child.exited).toBe(0);
    expect(await allClosed()).toBe(true);
    expect(postgresIsGone()).toBe(true);
  });

  test('starts again with its data, also after a kill -9, and shows no password twice', async () => {
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const { child, text } = await start();
      expect(text).not.toContain('first administrator');
      expect((await post('/auth/login', credentials)).status).toBe(200);
      child.kill(signal);
      await child.exited;
    }
    await eventually(postgresIsGone);
  });

  test('a second one says which port is taken, and leaves the first alone', async () => {
    const { child } = await start();
    const lines = await refused({});
    expect(lines).toHaveLength(SERVICES.length);
    expect(lines).toContain('tertulia: auth: the port is taken; set AUTH_PORT to another one');
    expect((await post('/auth/login', credentials)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  });

  test('ends when its launcher is killed', async () => {
    const launcher = await run(['sh', '-c', `${process.execPath} ${START}; true`]);
    expect((await post('/auth/login', credentials)).status).toBe(200);
    launcher.child.kill('SIGKILL');
    await eventually(allClosed);
    await eventually(postgresIsGone);
  });

  test('one clear line for a data folder that cannot be, and for bad settings', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    const [line, ...more] = await refused({ DATA_DIR: join(file, 'data') });
    expect(line).toStartWith('tertulia: stores: cannot write where it must');
    expect(more).toEqual([]);
    const lines = await refused({ AUTH_PORT: 'http', COMMENTS_PER_MINUTE: '-1' });
    expect(lines.map((text) => text.split(':').slice(0, 3).join(':'))).toEqual(
      expect.arrayContaining(['tertulia: auth: AUTH_PORT', 'tertulia: comments: COMMENTS_PER_MINUTE']),
    );
  });

  test('production names every secret and store that is missing', async () => {
    const lines = await refused({ NODE_ENV: 'production' });
    expect(lines).toContain('tertulia: auth: AUTH_SECRET: is required in production');
    expect(lines.filter((line) => line.includes('METRICS_TOKEN')).length).toBeGreaterThanOrEqual(4);
  });
});
