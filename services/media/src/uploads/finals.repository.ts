import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, asc, desc, eq, inArray, sql } from 'drizzle-orm';
import { uploads } from '../db/schema.ts';
import type { UploadRow } from './uploads.repository.ts';

const arrayOf = (ids: readonly string[]) => sql`${sql.param(ids)}::uuid[]`;

/** An owner's final upload of just these parts, in this order. */
export async function findFinal(
  db: Executor,
  ownerId: string,
  parts: readonly string[],
): Promise<UploadRow | undefined> {
  const [row] = await db
    .select()
    .from(uploads)
    .where(and(eq(uploads.ownerId, ownerId), eq(uploads.concat, 'final'), sql`parts = ${arrayOf(parts)}`))
    .orderBy(desc(uploads.id))
    .limit(1);
  return row;
}

/** An owner's partial uploads among these, in no order. */
export async function partialsOf(
  db: Executor,
  ownerId: string,
  ids: readonly string[],
): Promise<UploadRow[]> {
  return db
    .select()
    .from(uploads)
    .where(and(inArray(uploads.id, [...ids]), eq(uploads.ownerId, ownerId), eq(uploads.concat, 'partial')));
}

/** Locked in one order, whatever the order in which they are named. */
export async function lockPartials(tx: Tx, ownerId: string, ids: readonly string[]): Promise<UploadRow[]> {
  return tx
    .select()
    .from(uploads)
    .where(and(inArray(uploads.id, [...ids]), eq(uploads.ownerId, ownerId), eq(uploads.concat, 'partial')))
    .orderBy(asc(uploads.id))
    .for('update');
}

/** What parts had reserved is the whole's from now on, and they last as long as it does. */
export async function handOver(tx: Tx, ids: readonly string[], expiresAt: Date): Promise<void> {
  await tx
    .update(uploads)
    .set({ reserved: 0, expiresAt })
    .where(inArray(uploads.id, [...ids]));
}

export async function deleteUploads(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.delete(uploads).where(inArray(uploads.id, [...ids]));
}
