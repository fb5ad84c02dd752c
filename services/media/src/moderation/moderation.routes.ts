import { createRoute, z } from '@hono/zod-openapi';
import { assertMatch } from '@tertulia/shared/http/conditional';
import { idParam } from '@tertulia/shared/http/fields';
import { cursorOf, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { etagOfMedia } from '../media/media.routes.ts';
import { mediaSchema, toMedia } from '../media/media.schema.ts';
import type { Condition } from '../media/media.service.ts';
import { listLog } from './moderation.repository.ts';
import { logEntrySchema, logQuery, moderationBody, toLogEntry } from './moderation.schema.ts';
import { moderate } from './moderation.service.ts';

const tags = ['Moderation'];

export function moderationRoutes(deps: Deps) {
  const { db, guards } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path: '/media/moderation/log',
      tags,
      summary: 'What moderators have done',
      description: 'Newest first. It outlives the media.',
      ...guards.moderator,
      request: { query: logQuery },
      responses: {
        200: json(pageSchema(logEntrySchema), 'A page.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'forbidden', 'invalid_fields', 'unavailable'),
      },
    }),
    async (c) => {
      const { limit, cursor, mediaId } = c.req.valid('query');
      const { encode, decode } = cursorOf(`moderation log ${mediaId}`, z.uuid());
      const rows = await listLog(db, { mediaId, after: decode(cursor), limit });
      c.header('Cache-Control', 'no-store');
      return c.json(
        toPage(rows, limit, toLogEntry, ({ id }) => encode(id)),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/media/{id}/moderation',
      tags,
      summary: 'Hide, remove or restore a media',
      description: 'Open reports are dealt with by it. With `If-Match`, only while it is unchanged.',
      ...guards.moderator,
      request: { params: idParam, body: jsonBody(moderationBody) },
      responses: {
        200: json(mediaSchema, 'The media as it is now.'),
        ...problemResponses(
          ...badBody,
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
      const { id } = c.req.valid('param');
      const { row, liked } = await moderate(deps, caller, id, c.req.valid('json'), holds, { traceparent });
      c.header('ETag', etagOfMedia(row, caller, liked));
      return c.json(toMedia(row, caller, liked), 200);
    },
  );

  return router;
}
