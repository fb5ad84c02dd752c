import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import { eventually } from '@tertulia/shared/testing/eventually';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { testPostgresUrl } from '@tertulia/shared/testing/postgres';
import postgres from 'postgres';

export const SERVICES = ['auth', 'media', 'comments', 'notifications'] as const;
export type ServiceName = (typeof SERVICES)[number];

export type Stack = {
  /** Address of a service; of its first process, where there are several. */
  url(service: ServiceName): string;
  /** Addresses of all its processes. */
  urls(service: ServiceName): string[];
  databaseUrl(service: ServiceName): string;
  pid(service: ServiceName): number;
  /** Ends, and starts, every process of a service. */
  kill(service: ServiceName, signal?: NodeJS.Signals): Promise<void>;
  start(service: ServiceName): Promise<void>;
  stop(): Promise<void>;
};

const SERVICES_DIR = join(import.meta.dir, '..', '..');

/**
 * The platform as production runs it: a process a service, or as many as `replicas` says, each service with a
 * database of its own, on free ports. Without a Redis address, Postgres carries the events. With a folder for
 * logs, each process writes a file there.
 */
export async function startStack(
  settings: Record<string, string> = {},
  replicas: Partial<Record<ServiceName, number>> = {},
  logs?: string,
): Promise<Stack> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tertulia-stack-'));
  const databases = await createDatabases([...SERVICES, 'events']);
  const ports = new Map<ServiceName, number[]>();
  for (const service of SERVICES) {
    ports.set(service, await Promise.all(Array.from({ length: replicas[service] ?? 1 }, freePort)));
  }
  const portsOf = (service: ServiceName) => ports.get(service) ?? [];
  const env: Record<string, string> = {
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'error',
    DATA_DIR: dataDir,
    // A hash of a millisecond.
    PASSWORD_MEMORY_KIB: '1024',
    PASSWORD_PASSES: '1',
    AUTH_URL: `http://127.0.0.1:${portsOf('auth')[0]}`,
    ...(settings.EVENTS_REDIS_URL === undefined ? { EVENTS_DATABASE_URL: databases.url('events') } : {}),
    ...settings,
  };
  for (const service of SERVICES) {
    env[`${service.toUpperCase()}_DATABASE_URL`] = databases.url(service);
  }
  // Who asks for more logs than errors, and for no file, wants the work of writing them, not the lines.
  const unread = settings.LOG_LEVEL === undefined ? 'inherit' : 'ignore';
  const running = new Map<ServiceName, Bun.Subprocess[]>();
  const urls = (service: ServiceName) => portsOf(service).map((port) => `http://127.0.0.1:${port}`);
  const url = (service: ServiceName) => urls(service)[0] ?? '';

  async function start(service: ServiceName): Promise<void> {
    const children = portsOf(service).map((port) => spawn(service, port));
    running.set(service, children);
    await Promise.all(children.map((child, at) => isReady(service, child, urls(service)[at] ?? '')));
  }

  function spawn(service: ServiceName, port: number): Bun.Subprocess {
    return Bun.spawn([process.execPath, join(SERVICES_DIR, service, 'src', 'main.ts')], {
      env: {
        PATH: process.env.PATH ?? '',
        HOME: process.env.HOME ?? '',
        ...env,
        [`${service.toUpperCase()}_PORT`]: String(port),
      },
      stdin: 'ignore',
      stdout: logs === undefined ? unread : Bun.file(join(logs, `${service}-${port}.log`)),
      stderr: 'inherit',
    });
  }

  async function isReady(service: ServiceName, child: Bun.Subprocess, address: string): Promise<void> {
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`${service} exited with ${child.exitCode}`);
        return (await fetch(`${address}/health/ready`)).ok;
      },
      { ms: HANG_MS, every: 50 },
    );
  }

  async function kill(service: ServiceName, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const children = running.get(service) ?? [];
    for (const child of children) child.kill(signal);
    await Promise.all(children.map((child) => child.exited));
    running.delete(service);
  }

  await Promise.all(SERVICES.map(start));
  return {
    url,
    urls,
    databaseUrl: databases.url,
    pid: (service) => running.get(service)?.[0]?.pid ?? 0,
    kill,
    start,
    async stop() {
      await Promise.all(SERVICES.map((service) => kill(service, 'SIGTERM')));
      await databases.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Databases of their own in the Postgres of the tests. */
export async function createDatabases(names: readonly string[]) {
  const adminUrl = await testPostgresUrl();
  const suffix = Bun.randomUUIDv7().replaceAll('-', '');
  const nameOf = (name: string) => `stack_${name}_${suffix}`;
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} });
  for (const name of names) await admin.unsafe(`create database ${nameOf(name)}`);
  return {
    url: (name: string) => Object.assign(new URL(adminUrl), { pathname: `/${nameOf(name)}` }).href,
    async drop() {
      for (const name of names) await admin.unsafe(`drop database if exists ${nameOf(name)} with (force)`);
      await admin.end();
    },
  };
}
