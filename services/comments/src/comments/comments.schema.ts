import { z } from '@hono/zod-openapi';
import { etagOf } from '@tertulia/shared/http/conditional';
import { id, instant, paragraph } from '@tertulia/shared/http/fields';
import { type comments, STATUSES } from '../db/schema.ts';

const content = paragraph(1, 2000).openapi({
  description: 'Text, never HTML. Trimmed, NFC, counted in code points.',
  example: 'The second movement is the best.',
});

export const newCommentBody = z
  .strictObject({ mediaId: id(), content, parentId: id().nullable().optional() })
  .openapi('NewComment');

export const commentPatch = z.strictObject({ content }).openapi('CommentPatch');

export const commentSchema = z
  .object({
    id: z.uuid(),
    mediaId: z.uuid(),
    parentId: z.uuid().nullable(),
    depth: z.int().openapi({ description: '0 for a comment on the media itself.' }),
    authorId: z.uuid().nullable().openapi({ description: 'Null once it is deleted.' }),
    authorUsername: z.string().nullable().openapi({ description: 'As it was when the comment was written.' }),
    content: z.string().nullable().openapi({ description: 'Null once it is deleted.' }),
    status: z.enum(STATUSES),
    likes: z.int(),
    dislikes: z.int(),
    replyCount: z.int().openapi({ description: 'Direct replies, tombstones included.' }),
    createdAt: instant(),
    editedAt: instant().nullable(),
    deleted: z.boolean().openapi({ description: 'A tombstone: it is kept for the sake of its replies.' }),
  })
  .openapi('Comment');

export type Comment = z.infer<typeof commentSchema>;
export type CommentRow = typeof comments.$inferSelect;

export function toComment(row: CommentRow): Comment {
  return {
    id: row.id,
    mediaId: row.mediaId,
    parentId: row.parentId,
    depth: row.depth,
    authorId: row.authorId,
    authorUsername: row.authorUsername,
    content: row.content,
    status: row.status,
    likes: row.likes,
    dislikes: row.dislikes,
    replyCount: row.replyCount,
    createdAt: row.createdAt.toISOString(),
    editedAt: row.editedAt?.toISOString() ?? null,
    deleted: row.deletedAt !== null,
  };
}

/** Over everything that is shown, in the order of the schema. */
export const tagOf = (comment: Comment) => etagOf(...Object.values(comment));
