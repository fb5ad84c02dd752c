import { z } from '@hono/zod-openapi';
import { pageQuery } from '@tertulia/shared/http/pages';
import { type CommentRow, commentSchema, toComment } from '../comments/comments.schema.ts';
import { SORTS } from './threads.repository.ts';

export const MAX_PREVIEWS = 5;

export const threadSchema = commentSchema
  .extend({ replies: z.array(commentSchema).openapi({ description: 'Its oldest replies, a few.' }) })
  .openapi('Thread');

export const threadsQuery = pageQuery.extend({
  sort: z.enum(SORTS).default('newest'),
  replies: z.coerce
    .number()
    .int()
    .min(0)
    .max(MAX_PREVIEWS)
    .default(3)
    .openapi({ description: 'Replies shown with each comment; the others are pages of their own.' }),
});

export const repliesQuery = pageQuery.extend({ sort: z.enum(SORTS).default('oldest') });

export function toThread(row: CommentRow, replies: readonly CommentRow[]) {
  return { ...toComment(row), replies: replies.map(toComment) };
}
