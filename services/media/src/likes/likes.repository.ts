import type { Executor, Tx } from '@tertulia/shared/db/database';
import type { Caller } from '@tertulia/shared/http/context';
import { and, eq, inArray } from 'drizzle-orm';
import { likes } from '../db/schema.ts';

/** Those that the caller likes. */
export async function likedAmong(
  db: Executor,
  caller: Caller | undefined,
  media: readonly { id: string }[],
): Promise<Set<string>> {
  if (caller === undefined || media.length === 0) return new Set();
  const ids = media.map(({ id }) => id);
  const rows = await db
    .select({ id: likes.mediaId })
    .from(likes)
    .where(and(eq(likes.userId, caller.userId), inArray(likes.mediaId, ids)));
  return new Set(rows.map(({ id }) => id));
}

export async function isLiked(db: Executor, caller: Caller, id: string): Promise<boolean> {
  return (await likedAmong(db, caller, [{ id }])).has(id);
}

/** False when it was there. */
export async function insertLike(tx: Tx, mediaId: string, userId: string): Promise<boolean> {
  const rows = await tx
    .insert(likes)
    .values({ mediaId, userId })
    .onConflictDoNothing()
    .returning({ userId: likes.userId });
  return rows.length === 1;
}

/** False when there was none. */
export async function deleteLike(tx: Tx, mediaId: string, userId: string): Promise<boolean> {
  const rows = await tx
    .delete(likes)
    .where(and(eq(likes.mediaId, mediaId), eq(likes.userId, userId)))
    .returning({ userId: likes.userId });
  return rows.length === 1;
}

/** Media that a user likes, some of them, in one order. */
export async function likedBy(db: Executor, userId: string, limit: number): Promise<string[]> {
  const rows = await db
    .select({ id: likes.mediaId })
    .from(likes)
    .where(eq(likes.userId, userId))
    .orderBy(likes.mediaId)
    .limit(limit);
  return rows.map(({ id }) => id);
}
