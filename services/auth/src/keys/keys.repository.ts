import type { Db, Executor, Tx } from '@tertulia/shared/db/database';
import { asc, inArray, sql } from 'drizzle-orm';
import { signingKeys } from '../db/schema.ts';

export type KeyRow = typeof signingKeys.$inferSelect;
export type NewKey = Pick<KeyRow, 'kid' | 'publicJwk' | 'sealedPrivateJwk'>;

/** Postgres channel that tells replicas to look at the keys. */
export const KEYS_CHANNEL = 'signing_keys';

/** Prepared once per database: every replica asks again and again. */
export function prepareListKeys(db: Db): () => Promise<KeyRow[]> {
  const query = db.select().from(signingKeys).orderBy(asc(signingKeys.createdAt)).prepare('signing_keys');
  return () => query.execute();
}

/** Oldest first. Whoever changes keys waits here for whoever else does. */
export async function lockKeys(tx: Tx): Promise<KeyRow[]> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('signing keys'))`);
  return tx.select().from(signingKeys).orderBy(asc(signingKeys.createdAt));
}

/** Adds a key, and tells the other replicas when it is committed. */
export async function insertKey(tx: Tx, key: NewKey): Promise<KeyRow> {
  // Not the transaction's time: who waited for the lock would have made the older key.
  const [row] = await tx
    .insert(signingKeys)
    .values({ ...key, createdAt: sql`clock_timestamp()` })
    .returning();
  if (row === undefined) throw new Error('insert returned no row');
  await tx.execute(sql`select pg_notify(${KEYS_CHANNEL}, '')`);
  return row;
}

export async function deleteKeys(tx: Executor, kids: readonly string[]): Promise<void> {
  if (kids.length > 0) await tx.delete(signingKeys).where(inArray(signingKeys.kid, [...kids]));
}
