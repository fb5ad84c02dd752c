import type { Db, Executor, Tx } from '@tertulia/shared/db/database';
import { desc, ne, sql } from 'drizzle-orm';
import { urlKeys } from '../db/schema.ts';

export type UrlKey = Pick<typeof urlKeys.$inferSelect, 'id' | 'secret' | 'createdAt'>;
export type CurrentKey = UrlKey & { ageDays: number };

/** The newest: it signs. */
export function prepareFindCurrentKey(db: Db) {
  const query = db
    .select({
      id: urlKeys.id,
      secret: urlKeys.secret,
      createdAt: urlKeys.createdAt,
      ageDays: sql<number>`extract(epoch from now() - ${urlKeys.createdAt})::float8 / 86400`,
    })
    .from(urlKeys)
    .orderBy(desc(urlKeys.createdAt), desc(urlKeys.id))
    .limit(1)
    .prepare('find_url_key');
  return async (): Promise<CurrentKey | undefined> => (await query.execute())[0];
}

export async function newestKeys(db: Executor, limit: number): Promise<UrlKey[]> {
  return db.select().from(urlKeys).orderBy(desc(urlKeys.createdAt), desc(urlKeys.id)).limit(limit);
}

/** Whoever makes or removes keys waits here for who does. */
export async function lockKeys(tx: Tx): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('url keys'))`);
}

export async function insertKey(tx: Tx, id: string, secret: string): Promise<UrlKey> {
  // Not `now()`, which is when the transaction began: who waited for the lock is later than who had it.
  const [row] = await tx
    .insert(urlKeys)
    .values({ id, secret, createdAt: sql`clock_timestamp()` })
    .returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

/** Removes keys that signed nothing in so many hours. Returns how many there were. */
export async function deleteRetired(tx: Tx, hours: number): Promise<number> {
  const gone = await tx.execute(sql`
    delete from url_keys old where exists (
      select 1 from url_keys next where next.created_at > old.created_at
        and next.created_at < now() - make_interval(hours => ${hours})
    ) returning 1`);
  return gone.length;
}

export async function deleteAllBut(tx: Tx, id: string): Promise<number> {
  return (await tx.delete(urlKeys).where(ne(urlKeys.id, id)).returning({ id: urlKeys.id })).length;
}
