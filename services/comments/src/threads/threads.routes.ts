import { createRoute, z } from '@hono/zod-openapi';
import { id, idParam } from '@tertulia/shared/http/fields';
import { cursorOf, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, json, problemResponses } from '@tertulia/shared/http/router';
import { type CommentRow, commentSchema, toComment } from '../comments/comments.schema.ts';
import type { Deps } from '../deps.ts';
import { canSee } from '../media/media.visibility.ts';
import type { Place } from './threads.repository.ts';
import { repliesQuery, threadSchema, threadsQuery, toThread } from './threads.schema.ts';

const tags = ['Threads'];

/** Milliseconds, up to the year 9999: what Postgres reads, whatever somebody made up. */
const placeKey = z.tuple([z.int().min(0).max(253_402_300_799_999), z.uuid()]);

/** Cursors of one list in one order: elsewhere they would skip or repeat. */
function cursorIn(of: string, sort: string) {
  const { encode, decode } = cursorOf(`comments/${of}/${sort}`, placeKey);
  return {
    encode: ({ createdAt, id }: CommentRow) => encode([createdAt.getTime(), id]),
    decode(cursor: string | undefined): Place | undefined {
      const place = decode(cursor);
      return place === undefined ? undefined : { at: new Date(place[0]), id: place[1] };
    },
  };
}

export function threadsRoutes({ guards, findMedia, findComment, threads }: Deps) {
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path: '/comments/media/{mediaId}',
      tags,
      summary: 'Comments on a media, each with its first replies',
      ...guards.anyone,
      request: { params: z.object({ mediaId: id() }), query: threadsQuery },
      responses: {
        200: json(pageSchema(threadSchema), 'A page of comments on the media itself.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'media_not_found', 'invalid_fields'),
      },
    }),
    async (c) => {
      const { mediaId } = c.req.valid('param');
      const { limit, sort, replies, ...page } = c.req.valid('query');
      const cursor = cursorIn(mediaId, sort);
      const after = cursor.decode(page.cursor);
      if (!canSee(c.var.caller, await findMedia(mediaId))) throw new Problem('media_not_found');
      const rows = await threads.list('top', sort, { of: mediaId, after, limit: limit + 1 });
      const answered = rows.slice(0, limit).filter(({ replyCount }) => replyCount > 0);
      const previews = await threads.previews(
        answered.map((row) => row.id),
        replies,
      );
      return c.json(
        toPage(rows, limit, (row) => toThread(row, previews.get(row.id) ?? []), cursor.encode),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'get',
      path: '/comments/{id}/replies',
      tags,
      summary: 'Replies to a comment',
      ...guards.anyone,
      request: { params: idParam, query: repliesQuery },
      responses: {
        200: json(pageSchema(commentSchema), 'A page of direct replies.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'not_found', 'invalid_fields'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { limit, sort, ...page } = c.req.valid('query');
      const cursor = cursorIn(id, sort);
      const after = cursor.decode(page.cursor);
      const parent = await findComment(id);
      if (!canSee(c.var.caller, parent?.media)) throw new Problem('not_found', 'No such comment.');
      const rows = await threads.list('replies', sort, { of: id, after, limit: limit + 1 });
      return c.json(toPage(rows, limit, toComment, cursor.encode), 200);
    },
  );

  return router;
}
