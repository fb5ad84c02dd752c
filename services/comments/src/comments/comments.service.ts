import type { Db, Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import { type Caller, hasRole } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { findMedia } from '../media/media.repository.ts';
import { canSee } from '../media/media.visibility.ts';
import {
  buryComment,
  commentsOf,
  countReply,
  type Found,
  findComment,
  insertComment,
  lockComment,
  removeComment,
  updateContent,
} from './comments.repository.ts';
import type { CommentRow } from './comments.schema.ts';

/** Who acts, and for which request. */
export type Act = { caller: Caller; traceparent: string | undefined };

/** Throws when the comment is not the one that the client had in mind; asked under lock. */
export type Precondition = (row: CommentRow) => void;

type Draft = { mediaId: string; content: string; parentId?: string | null | undefined };

/**
 * Writes a comment and tells of it.
 *
 * @throws {Problem} `media_not_found`, `parent_not_found`, `parent_of_other_media`
 */
export async function createComment(tx: Tx, { caller, traceparent }: Act, draft: Draft): Promise<CommentRow> {
  const { mediaId, content, parentId } = draft;
  const media = await findMedia(tx, mediaId);
  if (!canSee(caller, media)) throw new Problem('media_not_found');
  const parent = parentId ? await answer(tx, caller, mediaId, parentId) : undefined;
  const comment = await insertComment(tx, {
    id: Bun.randomUUIDv7(),
    mediaId,
    parentId: parent?.id ?? null,
    depth: parent === undefined ? 0 : parent.depth + 1,
    authorId: caller.userId,
    authorUsername: caller.username,
    content,
  });
  const data = aboutComment({ comment, media, parentAuthorId: parent?.authorId ?? null });
  await announce(tx, {
    type: 'comment.created',
    actorId: caller.userId,
    data: { ...data, content },
    traceparent,
  });
  return comment;
}

async function answer(tx: Tx, caller: Caller, mediaId: string, parentId: string): Promise<CommentRow> {
  const parent = await countReply(tx, mediaId, parentId);
  if (parent !== undefined) return parent;
  const found = await findComment(tx, parentId);
  const elsewhere = found !== undefined && found.comment.mediaId !== mediaId && canSee(caller, found.media);
  throw new Problem(elsewhere ? 'parent_of_other_media' : 'parent_not_found');
}

/**
 * Changes what its author wrote, within the time for it.
 *
 * @throws {Problem} `not_found`, `forbidden`, `edit_window_closed`
 */
export async function editComment(
  db: Db,
  { caller, traceparent }: Act,
  id: string,
  { content, windowMinutes }: { content: string; windowMinutes: number },
  precondition: Precondition,
): Promise<CommentRow> {
  return db.transaction(async (tx) => {
    const found = await lockVisible(tx, caller, id);
    if (found.comment.authorId !== caller.userId) throw new Problem('forbidden', 'Only its author may edit.');
    if (Date.now() - found.comment.createdAt.getTime() > windowMinutes * 60_000) {
      throw new Problem('edit_window_closed', `Comments can be edited for ${windowMinutes} minutes.`);
    }
    precondition(found.comment);
    const comment = await updateContent(tx, id, content);
    const data = { ...aboutComment({ ...found, comment }), content };
    await announce(tx, { type: 'comment.updated', actorId: caller.userId, data, traceparent });
    return comment;
  });
}

/**
 * Deletes a comment: a tombstone stays when it has replies, nothing when it has none.
 *
 * @throws {Problem} `not_found`, also for a tombstone; `forbidden`
 */
export async function deleteComment(
  db: Db,
  { caller, traceparent }: Act,
  id: string,
  precondition: Precondition,
): Promise<void> {
  await db.transaction(async (tx) => {
    const found = await lockVisible(tx, caller, id);
    const { comment } = found;
    if (comment.authorId !== caller.userId && !hasRole(caller.role, 'MODERATOR')) {
      throw new Problem('forbidden', 'Only its author and moderators may delete a comment.');
    }
    precondition(comment);
    await deleteLocked(tx, found, { actorId: caller.userId, traceparent });
  });
}

/**
 * Deletes what a user who has gone wrote, one comment after another as the user would have done, the media
 * being visible or not. Returns how many there were, at most `limit`.
 */
export async function deleteCommentsOf(db: Db, authorId: string, limit: number): Promise<number> {
  const ids = await commentsOf(db, authorId, limit);
  for (const id of ids) {
    await db.transaction(async (tx) => {
      const found = await lockComment(tx, id);
      // A moderator may have been faster.
      if (found?.comment.authorId !== authorId) return;
      await deleteLocked(tx, found, { actorId: authorId, traceparent: undefined });
    });
  }
  return ids.length;
}

type By = { actorId: string; traceparent: string | undefined };

async function deleteLocked(tx: Tx, found: Found, by: By): Promise<void> {
  const { comment } = found;
  await (comment.replyCount > 0 ? buryComment(tx, comment.id) : removeComment(tx, comment));
  await announce(tx, { type: 'comment.deleted', ...by, data: aboutComment(found) });
}

/** A comment that is there for this caller, locked. */
async function lockVisible(tx: Tx, caller: Caller, id: string): Promise<Found> {
  const found = await lockComment(tx, id);
  if (found === undefined || found.comment.deletedAt !== null || !canSee(caller, found.media)) {
    throw new Problem('not_found', 'No such comment.');
  }
  return found;
}

function aboutComment({ comment, media, parentAuthorId }: Found) {
  const { id, mediaId, parentId, authorId, authorUsername } = comment;
  if (authorId === null || authorUsername === null) throw new Error('a tombstone is not announced');
  return {
    commentId: id,
    mediaId,
    mediaOwnerId: media.ownerId,
    mediaTitle: media.title,
    parentId,
    parentAuthorId,
    authorId,
    authorUsername,
  };
}
