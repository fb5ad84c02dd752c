import type { Db, Executor, Tx } from '@tertulia/shared/db/database';
import { Problem } from '@tertulia/shared/http/problem';
import { and, asc, eq, sql } from 'drizzle-orm';
import { uploads } from '../db/schema.ts';
import type { FileKind } from '../files/file-kind.ts';

export type UploadRow = typeof uploads.$inferSelect;
export type NewUpload = typeof uploads.$inferInsert;

/** Prepared once per database: every part that arrives asks for it. */
export function prepareFindUpload(db: Db) {
  const query = db
    .select()
    .from(uploads)
    .where(and(eq(uploads.id, sql.placeholder('id')), eq(uploads.ownerId, sql.placeholder('ownerId'))))
    .prepare('find_upload');
  return async (id: string, ownerId: string): Promise<UploadRow | undefined> =>
    (await query.execute({ id, ownerId }))[0];
}

export async function insertUpload(db: Executor, row: NewUpload): Promise<UploadRow> {
  const [inserted] = await db.insert(uploads).values(row).returning();
  if (inserted === undefined) throw new Error('insert returned no row');
  return inserted;
}

export async function lockUpload(tx: Tx, id: string): Promise<UploadRow | undefined> {
  const [row] = await tx.select().from(uploads).where(eq(uploads.id, id)).for('update');
  return row;
}

/** Some of an owner's, the oldest first. */
export async function uploadsOf(db: Executor, ownerId: string, limit: number): Promise<UploadRow[]> {
  return db.select().from(uploads).where(eq(uploads.ownerId, ownerId)).orderBy(asc(uploads.id)).limit(limit);
}

export type Seal = FileKind & { sha256: string };

/** Notes what the complete file is; from then on its bytes may lie in the upload's file or in the blob. */
export async function sealUpload(db: Executor, id: string, { kind, mimeType, sha256 }: Seal): Promise<void> {
  await db.update(uploads).set({ kind, mimeType, sha256 }).where(eq(uploads.id, id));
}

export async function noteStoreRef(db: Executor, id: string, storeRef: string | null): Promise<void> {
  await db.update(uploads).set({ storeRef }).where(eq(uploads.id, id));
}

/** Returns the row as it is then. */
export async function updateUpload(db: Executor, id: string, change: Partial<NewUpload>): Promise<UploadRow> {
  const [row] = await db.update(uploads).set(change).where(eq(uploads.id, id)).returning();
  if (row === undefined) throw new Problem('not_found');
  return row;
}

/** What is finished does not expire, and nothing is held for it. */
export async function linkMedia(tx: Tx, id: string, mediaId: string): Promise<void> {
  await tx.update(uploads).set({ mediaId, expiresAt: null, reserved: 0 }).where(eq(uploads.id, id));
}

export async function deleteUpload(tx: Tx, id: string): Promise<void> {
  await tx.delete(uploads).where(eq(uploads.id, id));
}
