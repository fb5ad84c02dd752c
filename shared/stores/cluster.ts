import { readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import postgres from 'postgres';
import { embeddedBinaries, freePort, makeDataFolder, postgresCommand } from './postgres-process.ts';

/** A running embedded Postgres. */
export type Cluster = {
  /** Makes the named database and its role unless they are there, and gives its address. */
  database(name: string): Promise<string>;
  /** Address of the `postgres` database, as superuser: for tests. */
  adminUrl: string;
  /** False when another process started it. */
  owned: boolean;
  /** Stops it, if it is ours. */
  close(): Promise<void>;
};

type Options = {
  /** Folder of the cluster; made when absent. */
  folder: string;
  /** False for tests alone: a crash of the machine may then lose data. */
  durable?: boolean;
  /** Extra `name=value` settings. */
  settings?: string[];
};

const PASSWORD_FILE = 'tertulia.json';
const START_MS = 30_000;

/**
 * Starts the cluster of a folder, or joins it where a living process of ours runs it already. What an owner
 * that was killed left behind is stopped first; its data are recovered by Postgres itself.
 */
export async function openCluster({ folder, durable = true, settings = [] }: Options): Promise<Cluster> {
  const home = resolve(folder);
  const dataDir = join(home, 'data');
  await makeDataFolder(dataDir);
  const running = await readRunning(home, dataDir);
  if (running !== undefined) return toCluster(running.port, running.password);

  const password = await initialise(home, dataDir, durable);
  const port = await freePort();
  const { postgres: binary } = await embeddedBinaries();
  const flags = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=300',
    ...settings,
  ];
  if (!durable) flags.push('fsync=off', 'synchronous_commit=off', 'full_page_writes=off');
  const command = await postgresCommand(binary, dataDir);
  const child = Bun.spawn([...command, '-D', dataDir, ...flags.flatMap((flag) => ['-c', flag])], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: Bun.file(join(home, 'postgres.log')),
    env: { LC_ALL: 'C', TZ: 'UTC' },
    // Ctrl-C reaches the whole group: Postgres must outlive the services that write their last rows.
    detached: true,
  });
  await writeFile(join(home, PASSWORD_FILE), JSON.stringify({ password, port, owner: process.pid }), {
    mode: 0o600,
  });
  await untilReady(port, password, child);
  // Where the kernel does not tell it of our death, we do.
  const onExit = () => child.kill('SIGINT');
  process.once('exit', onExit);
  return toCluster(port, password, async () => {
    process.off('exit', onExit);
    child.kill('SIGINT');
    await child.exited;
  });
}

type State = { password: string; port?: number; owner?: number };

/** The running cluster of a folder if its owner lives; an orphan is stopped. */
async function readRunning(home: string, dataDir: string) {
  const pid = Number((await read(join(dataDir, 'postmaster.pid')))?.split('\n')[0] ?? Number.NaN);
  const state = await readState(home);
  if (Number.isInteger(pid) && (await isPostgresOf(dataDir, pid))) {
    if (state?.port !== undefined && state.owner !== undefined && isAlive(state.owner)) {
      return { port: state.port, password: state.password };
    }
    process.kill(pid, 'SIGINT');
    await until(() => !isAlive(pid), 10_000, 'an orphaned Postgres does not stop');
  }
  // A stale file whose pid another program holds by now would keep Postgres from starting.
  if (Number.isInteger(pid)) await rm(join(dataDir, 'postmaster.pid'), { force: true });
  return undefined;
}

async function initialise(home: string, dataDir: string, durable: boolean): Promise<string> {
  const state = await readState(home);
  if (state !== undefined && (await read(join(dataDir, 'PG_VERSION'))) !== undefined) return state.password;
  // An initialisation that was cut leaves no version file behind a finished password file: start over.
  await rm(dataDir, { recursive: true, force: true });
  await makeDataFolder(dataDir);
  const password = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64url');
  const { initdb } = await embeddedBinaries();
  const command = await postgresCommand(initdb, dataDir);
  const args = ['-D', dataDir, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--locale-provider=icu'];
  args.push('--icu-locale=und', '--auth=scram-sha-256', '--pwfile=/dev/stdin');
  if (!durable) args.push('--no-sync');
  const child = Bun.spawn([...command, ...args], {
    stdin: Buffer.from(password),
    stdout: 'ignore',
    stderr: 'pipe',
    env: { LC_ALL: 'C', TZ: 'UTC' },
  });
  const [code, stderr] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  if (code !== 0) throw new Error(`initdb failed: ${stderr.trim().split('\n').at(-1)}`);
  await writeFile(join(home, PASSWORD_FILE), JSON.stringify({ password }), { mode: 0o600 });
  return password;
}

function toCluster(port: number, password: string, close?: () => Promise<void>): Cluster {
  const adminUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  return {
    adminUrl,
    owned: close !== undefined,
    close: close ?? (async () => {}),
    async database(name) {
      const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
      try {
        const [role] = await sql`select 1 from pg_roles where rolname = ${name}`;
        if (role === undefined) await sql.unsafe(`create role "${name}" login password '${password}'`);
        const [database] = await sql`select 1 from pg_database where datname = ${name}`;
        if (database === undefined) await sql.unsafe(`create database "${name}" owner "${name}"`);
      } finally {
        await sql.end();
      }
      return `postgres://${name}:${password}@127.0.0.1:${port}/${name}`;
    },
  };
}

async function untilReady(port: number, password: string, child: Bun.Subprocess): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const sql = postgres({
      host: '127.0.0.1',
      port,
      password,
      user: 'postgres',
      database: 'postgres',
      max: 1,
      connect_timeout: 2,
    });
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      if (child.exitCode !== null)
        throw new Error('the embedded Postgres did not start; see postgres.log in DATA_DIR');
      if (Date.now() > deadline) throw error;
    } finally {
      await sql.end({ timeout: 1 });
    }
    await Bun.sleep(30);
  }
}

async function readState(home: string): Promise<State | undefined> {
  const text = await read(join(home, PASSWORD_FILE));
  return text === undefined ? undefined : (JSON.parse(text) as State);
}

async function read(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

/** Pids are used again: only a process that works in this very folder is our Postgres. */
async function isPostgresOf(dataDir: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  return (await readlink(`/proc/${pid}/cwd`).catch(() => undefined)) === dataDir;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

async function until(condition: () => boolean, ms: number, otherwise: string): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(otherwise);
    await Bun.sleep(20);
  }
}
