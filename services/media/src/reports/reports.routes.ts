import { createRoute } from '@hono/zod-openapi';
import { idParam } from '@tertulia/shared/http/fields';
import { idempotencyHeader, idempotently } from '@tertulia/shared/http/idempotency';
import { cursorOf, pageQuery, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { timePlace } from '../media/media.schema.ts';
import { listReported, openReportsOn } from './reports.repository.ts';
import { reportBody, reportedSchema, toReported } from './reports.schema.ts';
import { report } from './reports.service.ts';

const tags = ['Moderation'];

export function reportsRoutes(deps: Deps) {
  const { db, env, guards } = deps;
  const sent = deps.limits({ name: 'reports', points: env.REPORTS_PER_HOUR, seconds: 3600 });
  const cursor = cursorOf('media reported', timePlace);
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path: '/media/reports',
      tags,
      summary: 'Media with open reports',
      description: 'The longest waiting first.',
      ...guards.moderator,
      request: { query: pageQuery },
      responses: {
        200: json(pageSchema(reportedSchema), 'A page.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'forbidden', 'invalid_fields', 'unavailable'),
      },
    }),
    async (c) => {
      const { limit, cursor: given } = c.req.valid('query');
      const rows = await listReported(db, cursor.decode(given), limit);
      const open = await openReportsOn(
        db,
        rows.map(({ id }) => id),
      );
      c.header('Cache-Control', 'no-store');
      return c.json(
        toPage(
          rows,
          limit,
          (row) => toReported(row, c.var.caller, open.get(row.id)),
          ({ reportedAt, id }) => cursor.encode({ at: reportedAt?.getTime() ?? 0, id }),
        ),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/media/{id}/reports',
      tags,
      summary: 'Report a media',
      description: 'Once a user. Enough of them hide it until a moderator has decided.',
      ...guards.user,
      request: { params: idParam, headers: idempotencyHeader, body: jsonBody(reportBody) },
      responses: {
        202: { description: 'It is noted.' },
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'forbidden',
          'not_found',
          'idempotency_key_reused',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const { id } = c.req.valid('param');
      const body = c.req.valid('json');
      await sent.consume(caller.userId);
      const key = c.req.valid('header')['idempotency-key'];
      const request = { key, caller: caller.userId, route: `POST /media/${id}/reports`, body };
      const { replayed } = await idempotently(db, request, async (tx) => {
        await report(tx, deps, caller, id, body, { traceparent });
        return null;
      });
      if (replayed) c.header('Idempotency-Replayed', 'true');
      return c.body(null, 202);
    },
  );

  return router;
}
