import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { eventually } from '../testing/eventually.ts';
import { HANG_MS } from '../testing/hang.ts';
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import { SPINE_MIGRATIONS } from '../testing/spine.ts';
import { endStalled } from './stalled.ts';

const LOCK = 4711;
const children: Bun.Subprocess[] = [];
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(SPINE_MIGRATIONS);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await database.drop();
});

const isStalled = async () => {
  const [row] = await database.sql`
    select from pg_stat_activity where datname = current_database() and state = 'active'
    and wait_event = 'ClientRead' and query = 'select $1::int'`;
  return row !== undefined;
};
const isFree = async () => {
  const [row] = await database.sql`select pg_try_advisory_lock(${LOCK}) as free`;
  return row?.free as boolean;
};

test(
  'a process that was stopped in mid-statement loses its session, and with it the locks',
  async () => {
    const program = join(import.meta.dir, '../testing/stall.ts');
    children.push(Bun.spawn([process.execPath, program, database.url, `${LOCK}`]));
    await eventually(isStalled);
    expect(await isFree()).toBe(false);
    expect(await endStalled(database.sql, 3600)).toBe(0);
    expect(await isFree()).toBe(false);
    expect(await endStalled(database.sql, 0)).toBe(1);
    await eventually(isFree);
  },
  HANG_MS,
);
