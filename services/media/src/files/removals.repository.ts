import type { Executor } from '@tertulia/shared/db/database';
import { and, eq, lte } from 'drizzle-orm';
import { removals } from '../db/schema.ts';

export type Removal = { place: 'blob' | 'upload'; key: string };

/** Notes files that must go: in the transaction that makes them useless, or before they come to be. */
export async function noteRemovals(tx: Executor, files: readonly Removal[], due = new Date()): Promise<void> {
  if (files.length === 0) return;
  await tx
    .insert(removals)
    .values(files.map(({ place, key }) => ({ place, key, due })))
    .onConflictDoNothing();
}

/** True when the file was noted. */
export async function strikeRemoval(tx: Executor, { place, key }: Removal): Promise<boolean> {
  const gone = await tx
    .delete(removals)
    .where(and(eq(removals.place, place), eq(removals.key, key)))
    .returning({ key: removals.key });
  return gone.length === 1;
}

export async function dueRemovals(db: Executor, limit: number): Promise<Removal[]> {
  return db
    .select({ place: removals.place, key: removals.key })
    .from(removals)
    .where(lte(removals.due, new Date()))
    .orderBy(removals.due)
    .limit(limit);
}
