import { createRoute } from '@hono/zod-openapi';
import { assertMatch } from '@tertulia/shared/http/conditional';
import { idParam } from '@tertulia/shared/http/fields';
import { cursorOf, pageQuery, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { createRouter, json, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { etagOfMedia } from '../media/media.routes.ts';
import { mediaSchema, timePlace, toMedia } from '../media/media.schema.ts';
import type { Condition } from '../media/media.service.ts';
import { listTrash } from './trash.repository.ts';
import { restore } from './trash.service.ts';

const tags = ['Trash'];

export function trashRoutes(deps: Deps) {
  const { db, guards } = deps;
  const cursor = cursorOf('media trash', timePlace);
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path: '/media/trash',
      tags,
      summary: 'One’s own media in the trash',
      description: 'The latest deleted first. They count against the quota until they are gone for good.',
      ...guards.user,
      request: { query: pageQuery },
      responses: {
        200: json(pageSchema(mediaSchema), 'A page.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'invalid_fields', 'unavailable'),
      },
    }),
    async (c) => {
      const { limit, cursor: given } = c.req.valid('query');
      const { caller } = c.var;
      const rows = await listTrash(db, caller.userId, cursor.decode(given), limit);
      c.header('Cache-Control', 'no-store');
      return c.json(
        toPage(
          rows,
          limit,
          (row) => toMedia(row, caller),
          ({ deletedAt, id }) => cursor.encode({ at: deletedAt?.getTime() ?? 0, id }),
        ),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/media/{id}/restore',
      tags,
      summary: 'Take a media out of the trash',
      description: 'Its owner; what a moderator has removed, moderators alone.',
      ...guards.user,
      request: { params: idParam },
      responses: {
        200: json(mediaSchema, 'The media, as it was.'),
        ...problemResponses(
          'unauthenticated',
          'forbidden',
          'not_found',
          'conflict',
          'precondition_failed',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const holds: Condition = (row, liked) => assertMatch(c, etagOfMedia(row, caller, liked));
      const { row, liked } = await restore(deps, caller, c.req.valid('param').id, holds, { traceparent });
      c.header('ETag', etagOfMedia(row, caller, liked));
      return c.json(toMedia(row, caller, liked), 200);
    },
  );

  return router;
}
