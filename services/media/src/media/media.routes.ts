import { createRoute, z } from '@hono/zod-openapi';
import { assertMatch, etagOf, isNotModified } from '@tertulia/shared/http/conditional';
import type { Caller } from '@tertulia/shared/http/context';
import { idParam } from '@tertulia/shared/http/fields';
import { cursorOf, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { likedAmong } from '../likes/likes.repository.ts';
import { changeBody, listQuery, type MediaRow, mediaSchema, toMedia, wordsOf } from './media.schema.ts';
import { type Condition, changeMedia, deleteMedia } from './media.service.ts';
import { sha256For } from './original.ts';
import { canSee } from './visibility.ts';

const tags = ['Media'];

const place = z.object({ id: z.uuid(), size: z.int() });

/** What differs by who asks, the digest and whether it is liked, makes the tag differ. */
export const etagOfMedia = (row: MediaRow, caller: Caller | undefined, liked: boolean) =>
  etagOf(row.id, row.updatedAt.getTime(), row.status, row.likes, liked, sha256For(caller, row));

export function mediaRoutes(deps: Deps) {
  const { db, guards, findMedia, listMedia } = deps;
  const router = createRouter();
  router.openapi(
    createRoute({
      method: 'get',
      path: '/media',
      tags,
      summary: 'List media',
      description: 'Public ones and one’s own. Moderators see all of an owner whom they ask for.',
      ...guards.anyone,
      request: { query: listQuery },
      responses: {
        200: json(pageSchema(mediaSchema), 'A page.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'invalid_fields', 'unavailable'),
      },
    }),
    async (c) => {
      const { owner, limit, cursor, sort, q, ...filters } = c.req.valid('query');
      const { caller } = c.var;
      if (owner === 'me' && caller === undefined) throw new Problem('unauthenticated', '`me` takes a token.');
      const words = wordsOf(q);
      const wanted = { ...filters, words, ownerId: owner === 'me' ? caller?.userId : owner };
      // A cursor is good for the list that gave it, and for no other.
      const { encode, decode } = cursorOf(`media ${sort} ${JSON.stringify(wanted)}`, place);
      const after = decode(cursor);
      const nothing = q !== '' && words.length === 0;
      const rows = nothing ? [] : await listMedia(caller, wanted, { sort, limit, after });
      const liked = await likedAmong(db, caller, rows);
      c.header('Cache-Control', 'no-store');
      return c.json(
        toPage(
          rows,
          limit,
          (row) => toMedia(row, caller, liked.has(row.id)),
          ({ id, size }) => encode({ id, size }),
        ),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'get',
      path: '/media/{id}',
      tags,
      summary: 'One media',
      ...guards.anyone,
      request: { params: idParam },
      responses: {
        200: json(mediaSchema, 'The media.'),
        304: { description: 'Unchanged since the tag in `If-None-Match`.' },
        ...problemResponses('unauthenticated', 'not_found', 'unavailable'),
      },
    }),
    async (c) => {
      const row = await findMedia(c.req.valid('param').id);
      if (row === undefined || !canSee(c.var.caller, row)) throw new Problem('not_found');
      const liked = (await likedAmong(db, c.var.caller, [row])).has(row.id);
      const etag = etagOfMedia(row, c.var.caller, liked);
      c.header('ETag', etag);
      c.header('Cache-Control', 'private, no-cache');
      if (isNotModified(c, etag)) return c.body(null, 304);
      return c.json(toMedia(row, c.var.caller, liked), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'patch',
      path: '/media/{id}',
      tags,
      summary: 'Change title, description, visibility or tags',
      description: 'Its owner alone. With `If-Match`, only while it is unchanged.',
      ...guards.user,
      request: { params: idParam, body: jsonBody(changeBody) },
      responses: {
        200: json(mediaSchema, 'The media as it is now.'),
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'forbidden',
          'not_found',
          'precondition_failed',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const holds: Condition = (row, liked) => assertMatch(c, etagOfMedia(row, caller, liked));
      const { row, liked } = await changeMedia(
        deps,
        caller,
        c.req.valid('param').id,
        c.req.valid('json'),
        holds,
        {
          traceparent,
        },
      );
      c.header('ETag', etagOfMedia(row, caller, liked));
      return c.json(toMedia(row, caller, liked), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/media/{id}',
      tags,
      summary: 'Delete a media',
      description:
        'Its owner or a moderator. It goes into the trash for `TRASH_DAYS`. With `If-Match`, only while it is unchanged.',
      ...guards.user,
      request: {
        params: idParam,
        query: z.object({
          permanent: z
            .enum(['0', '1'])
            .default('0')
            .openapi({ description: '`1`: for good and at once, also from the trash.' }),
        }),
      },
      responses: {
        204: { description: 'It is in the trash, or gone with its bytes.' },
        ...problemResponses(
          'unauthenticated',
          'forbidden',
          'not_found',
          'precondition_failed',
          'invalid_fields',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const holds: Condition = (row, liked) => assertMatch(c, etagOfMedia(row, caller, liked));
      const permanently = c.req.valid('query').permanent === '1';
      await deleteMedia(deps, caller, c.req.valid('param').id, permanently, holds, { traceparent });
      return c.body(null, 204);
    },
  );

  return router;
}
