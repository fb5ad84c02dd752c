import { readMigrationFiles } from 'drizzle-orm/migrator';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as drizzleMigrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';

/** Any constant will do, as long as every replica takes the same. */
const MIGRATION_LOCK = 7_283_645;

/**
 * Applies the migrations of a folder, under a session lock: replicas that start together wait for the
 * first, and find nothing left to do. Runs on a connection of its own, with no statement timeout.
 */
export async function migrate(url: string, folder: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 5 });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await drizzleMigrate(drizzle(sql), { migrationsFolder: folder });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** A name for the state that a folder's migrations lead to. */
export function migrationsHash(folder: string): string {
  const hashes = readMigrationFiles({ migrationsFolder: folder }).map(({ hash }) => hash);
  return Bun.hash.wyhash(hashes.join()).toString(36);
}
