import type { Tx } from '@tertulia/shared/db/database';
import { eq, sql } from 'drizzle-orm';
import { blobs } from '../db/schema.ts';
import { noteRemovals, type Removal } from './removals.repository.ts';

type Held = { sha256: string; key: string; size: number };

/**
 * Counts one more media on these bytes, and returns the key under which they are kept: an older blob's, where
 * there is one. Then the blob that was brought along is noted for removal, and the caller may carry that out
 * after the commit. Rows of usage are locked before those of blobs, here as in {@link releaseBlobs}.
 */
export async function adoptBlob(tx: Tx, { sha256, key, size }: Held): Promise<string> {
  const [kept] = await tx
    .insert(blobs)
    .values({ sha256, key, size, refs: 1 })
    .onConflictDoUpdate({ target: blobs.sha256, set: { refs: sql`${blobs.refs} + 1` } })
    .returning({ key: blobs.key });
  if (kept === undefined) throw new Error('a blob that was adopted has no row');
  if (kept.key !== key) await noteRemovals(tx, [{ place: 'blob', key }]);
  return kept.key;
}

/** One media less on each of these. Returns the blobs that nothing needs any more; they are noted for removal. */
export async function releaseBlobs(tx: Tx, keys: readonly string[]): Promise<Removal[]> {
  const files: Removal[] = [];
  // In one order for everybody: two that delete many do not wait for each other.
  for (const key of keys.toSorted()) {
    if (await isLast(tx, key)) files.push({ place: 'blob', key });
  }
  await noteRemovals(tx, files);
  return files;
}

async function isLast(tx: Tx, key: string): Promise<boolean> {
  const [left] = await tx
    .update(blobs)
    .set({ refs: sql`${blobs.refs} - 1` })
    .where(eq(blobs.key, key))
    .returning({ refs: blobs.refs });
  // Older installations kept the same bytes several times: only one of them has a row.
  if (left === undefined) return true;
  if (left.refs > 0) return false;
  await tx.delete(blobs).where(eq(blobs.key, key));
  return true;
}
