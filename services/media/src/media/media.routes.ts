import { createRoute, z } from '@hono/zod-openapi';
import { assertMatch, etagOf, isNotModified } from '@tertulia/shared/http/conditional';
import type { Caller } from '@tertulia/shared/http/context';
import { idParam } from '@tertulia/shared/http/fields';
import { cursorOf, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { listMedia } from './media.repository.ts';
import { changeBody, listQuery, type MediaRow, mediaSchema, toMedia } from './media.schema.ts';
import { changeMedia, removeMedia } from './media.service.ts';
import { sha256For } from './original.ts';
import { canSee } from './visibility.ts';

const tags = ['Media'];

/** The digest differs between the owner and others, so the tag does. */
export const etagOfMedia = (row: MediaRow, caller: Caller | undefined) =>
  etagOf(row.id, row.updatedAt.getTime(), row.status, row.likes, sha256For(caller, row));

export function mediaRoutes(deps: Deps) {
  const { db, guards, findMedia } = deps;
  const router = createRouter();
  const cursors = {
    newest: cursorOf('media newest', z.uuid()),
    oldest: cursorOf('media oldest', z.uuid()),
  };

  router.openapi(
    createRoute({
      method: 'get',
      path: '/media',
      tags,
      summary: 'List media',
      description: 'Public ones and one’s own; moderators see all.',
      ...guards.anyone,
      request: { query: listQuery },
      responses: {
        200: json(pageSchema(mediaSchema), 'A page.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'invalid_fields', 'unavailable'),
      },
    }),
    async (c) => {
      const { owner, limit, cursor, ...filters } = c.req.valid('query');
      const { caller } = c.var;
      if (owner === 'me' && caller === undefined) throw new Problem('unauthenticated', '`me` takes a token.');
      const { encode, decode } = cursors[filters.sort];
      const rows = await listMedia(db, caller, {
        ...filters,
        limit,
        ownerId: owner === 'me' ? caller?.userId : owner,
        after: decode(cursor),
      });
      c.header('Cache-Control', 'no-store');
      return c.json(
        toPage(
          rows,
          limit,
          (row) => toMedia(row, caller),
          (last) => encode(last.id),
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
      const etag = etagOfMedia(row, c.var.caller);
      c.header('ETag', etag);
      c.header('Cache-Control', 'private, no-cache');
      if (isNotModified(c, etag)) return c.body(null, 304);
      return c.json(toMedia(row, c.var.caller), 200);
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
      const holds = (row: MediaRow) => assertMatch(c, etagOfMedia(row, caller));
      const row = await changeMedia(deps, caller, c.req.valid('param').id, c.req.valid('json'), holds, {
        traceparent,
      });
      c.header('ETag', etagOfMedia(row, caller));
      return c.json(toMedia(row, caller), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/media/{id}',
      tags,
      summary: 'Delete a media',
      description: 'Its owner or a moderator. With `If-Match`, only while it is unchanged.',
      ...guards.user,
      request: { params: idParam },
      responses: {
        204: { description: 'It is gone, and so are its bytes.' },
        ...problemResponses(
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
      const holds = (row: MediaRow) => assertMatch(c, etagOfMedia(row, caller));
      await removeMedia(deps, caller, c.req.valid('param').id, holds, { traceparent });
      return c.body(null, 204);
    },
  );

  return router;
}
