import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { type Database, openDatabase } from '../db/database.ts';
import { migrate, migrationsHash } from '../db/migrate.ts';
import { type Cluster, openCluster } from '../stores/cluster.ts';

/** Address of a Postgres superuser for tests; `bun run test` sets it, so that all workers share one. */
export const TEST_POSTGRES_URL = 'TEST_POSTGRES_URL';

let own: Promise<Cluster> | undefined;

/** The Postgres that tests run on: the one of the test run, or one of this process, which ends with it. */
export async function testPostgresUrl(): Promise<string> {
  const given = process.env[TEST_POSTGRES_URL];
  if (given !== undefined) return given;
  own ??= openTestCluster();
  return (await own).adminUrl;
}

const SLOTS = 16;

/**
 * A cluster in the system's temporary folder, kept from run to run: the second start takes milliseconds.
 * Runs beside one another take a slot each, so that none ends under the other.
 */
export async function openTestCluster(): Promise<Cluster> {
  for (let slot = 0; slot < SLOTS; slot++) {
    const cluster = await openSlot(slot).catch(() => undefined);
    if (cluster?.owned) return cluster;
  }
  throw new Error(`no Postgres for tests could be started in ${SLOTS} attempts`);
}

function openSlot(slot: number): Promise<Cluster> {
  const folder = join(
    tmpdir(),
    `tertulia-test-${process.getuid?.() ?? 0}-${Bun.hash.wyhash(import.meta.dir).toString(36)}-${slot}`,
  );
  return openCluster({ folder, durable: false });
}

export type TestDatabase = Database & { url: string; drop(): Promise<void> };

/**
 * A database of one's own with the given migrations applied: cloned from a template that is made once per
 * migration hash, which costs milliseconds.
 */
export async function createTestDatabase(migrations: string): Promise<TestDatabase> {
  const adminUrl = await testPostgresUrl();
  const template = `template_${migrationsHash(migrations)}`;
  const name = `test_${Bun.randomUUIDv7().replaceAll('-', '')}`;
  const at = (database: string) => Object.assign(new URL(adminUrl), { pathname: `/${database}` }).href;

  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    // Cloning wants the template unused, so makers and cloners take turns.
    await admin`select pg_advisory_lock(hashtext(${template}))`;
    const [found] = await admin`select 1 from pg_database where datname = ${template}`;
    if (found === undefined) {
      const making = `${template}_${name.slice(-8)}`;
      await admin.unsafe(`create database ${making}`);
      await migrate(at(making), migrations);
      await admin.unsafe(`alter database ${making} rename to ${template}`);
    }
    await admin.unsafe(`create database ${name} template ${template}`);
  } finally {
    await admin.end();
  }

  const url = at(name);
  const database = openDatabase({ url, name: 'test', max: 10 });
  return {
    ...database,
    url,
    async drop() {
      await database.close();
      const cleaner = postgres(adminUrl, { max: 1, onnotice: () => {} });
      await cleaner.unsafe(`drop database if exists ${name} with (force)`).finally(() => cleaner.end());
    },
  };
}
