import { createRoute, z } from '@hono/zod-openapi';
import { cursorOf, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { createRouter, json, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { listEvents } from './audit.repository.ts';
import { auditEventSchema, auditQuery, toAuditEvent } from './audit.schema.ts';

export function auditRoutes({ db, guards }: Deps) {
  const cursor = cursorOf('auth/audit', z.int());
  return createRouter().openapi(
    createRoute({
      method: 'get',
      path: '/auth/audit',
      tags: ['Audit'],
      summary: 'Security events, newest first',
      description: 'Append-only, and sealed: `bun run audit:verify` tells whether anything was changed.',
      ...guards.admin,
      request: { query: auditQuery },
      responses: {
        200: json(pageSchema(auditEventSchema), 'A page of events.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'forbidden', 'invalid_fields'),
      },
    }),
    async (c) => {
      const { limit, userId, action, ...page } = c.req.valid('query');
      const rows = await listEvents(db, { userId, action, before: cursor.decode(page.cursor) }, limit + 1);
      c.header('Cache-Control', 'no-store');
      return c.json(
        toPage(rows, limit, toAuditEvent, ({ event }) => cursor.encode(event.id)),
        200,
      );
    },
  );
}
