import type { Db, Executor, Tx } from '@tertulia/shared/db/database';
import { and, asc, desc, eq, inArray, isNull, type Placeholder, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { comments, media } from '../db/schema.ts';
import type { CommentRow } from './comments.schema.ts';

export type NewComment = typeof comments.$inferInsert;

const parents = alias(comments, 'parents');

const withMedia = (db: Executor, id: string | Placeholder) =>
  db
    .select({ comment: comments, media, parentAuthorId: parents.authorId })
    .from(comments)
    .innerJoin(media, eq(media.id, comments.mediaId))
    .leftJoin(parents, eq(parents.id, comments.parentId))
    .where(eq(comments.id, id));

/** A comment, the media it is about, and who is answered. */
export type Found = Awaited<ReturnType<typeof withMedia>>[number];

/** Prepared once per database: every look at one comment or its replies asks for it. */
export function prepareFindComment(db: Db) {
  const query = withMedia(db, sql.placeholder('id')).prepare('find_comment');
  return async (id: string): Promise<Found | undefined> => (await query.execute({ id }))[0];
}

export async function findComment(tx: Tx, id: string): Promise<Found | undefined> {
  return (await withMedia(tx, id))[0];
}

/** The same, locked until the transaction ends: nobody edits, answers or deletes it meanwhile. */
export async function lockComment(tx: Tx, id: string): Promise<Found | undefined> {
  return (await withMedia(tx, id).for('update', { of: comments }))[0];
}

/** Ids of what somebody wrote, the oldest first. */
export async function commentsOf(db: Executor, authorId: string, limit: number): Promise<string[]> {
  const rows = await db
    .select({ id: comments.id })
    .from(comments)
    .where(eq(comments.authorId, authorId))
    .orderBy(asc(comments.id))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/**
 * Counts one more reply, and so locks the parent. Undefined when there is no such parent under this media, or
 * when it is deleted.
 */
export async function countReply(tx: Tx, mediaId: string, parentId: string): Promise<CommentRow | undefined> {
  const [row] = await tx
    .update(comments)
    .set({ replyCount: sql`${comments.replyCount} + 1` })
    .where(and(eq(comments.id, parentId), eq(comments.mediaId, mediaId), isNull(comments.deletedAt)))
    .returning();
  return row;
}

export async function insertComment(tx: Tx, comment: NewComment): Promise<CommentRow> {
  const [row] = await tx.insert(comments).values(comment).returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

export async function updateContent(tx: Tx, id: string, content: string): Promise<CommentRow> {
  const [row] = await tx
    .update(comments)
    .set({ content, editedAt: sql`now()` })
    .where(eq(comments.id, id))
    .returning();
  if (row === undefined) throw new Error('update of a locked comment returned no row');
  return row;
}

/** Leaves the place in the thread, and nothing of what was said or by whom. */
export async function buryComment(tx: Tx, id: string): Promise<void> {
  await tx
    .update(comments)
    .set({ content: null, authorId: null, authorUsername: null, deletedAt: sql`now()` })
    .where(eq(comments.id, id));
}

const CHAIN = 1000;

/**
 * Locks a comment and, as long as it is a tombstone whose only reply is the one below, its parent, and so on:
 * at most 1,000, in one statement, from below upwards as everybody locks.
 */
async function lockUpwards(tx: Tx, id: string): Promise<CommentRow[]> {
  const chain = sql`
    with recursive chain as (
      select id, parent_id, deleted_at is not null and reply_count = 1 as goes, 1 as length
      from comments where id = ${id}
      union all
      select above.id, above.parent_id, above.deleted_at is not null and above.reply_count = 1, length + 1
      from chain join comments as above on above.id = chain.parent_id
      where chain.goes and chain.length < ${CHAIN}
    ) select id from chain`;
  const ids = await tx.execute<{ id: string }>(chain);
  return tx
    .select()
    .from(comments)
    .where(
      inArray(
        comments.id,
        ids.map((row) => row.id),
      ),
    )
    .orderBy(desc(comments.depth))
    .for('update');
}

/**
 * Removes a locked comment that has no replies. Tombstones above that have lost their last reply go too; the
 * first that stays has one reply less.
 */
export async function removeComment(tx: Tx, leaf: CommentRow): Promise<void> {
  const gone = [leaf.id];
  let above = leaf.parentId;
  let survivor: string | undefined;
  while (above !== null && survivor === undefined) {
    const chain = await lockUpwards(tx, above);
    if (chain.length === 0) throw new Error('a reply without its parent, in spite of the foreign key');
    // Looked at again under lock: between looking and locking, another reply may have gone.
    for (const row of chain) {
      if (row.deletedAt === null || row.replyCount > 1) {
        survivor = row.id;
        break;
      }
      gone.push(row.id);
      above = row.parentId;
    }
  }
  await tx.delete(comments).where(inArray(comments.id, gone));
  if (survivor !== undefined) {
    await tx
      .update(comments)
      .set({ replyCount: sql`${comments.replyCount} - 1` })
      .where(eq(comments.id, survivor));
  }
}
