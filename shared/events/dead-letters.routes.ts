import { createRoute, z } from '@hono/zod-openapi';
import type { Db } from '../db/database.ts';
import { instant } from '../http/fields.ts';
import { cursorOf, pageQuery, pageSchema, toPage } from '../http/pages.ts';
import { Problem } from '../http/problem.ts';
import { badBody, createRouter, json, jsonBody, problemResponses } from '../http/router.ts';
import type { Guards } from '../tokens/guard.ts';
import { SOURCES } from './catalog.ts';
import { listDeadLetters, replayDeadLetter } from './set-aside.ts';

const tags = ['Operations'];

const key = z.strictObject({ source: z.enum(SOURCES), seq: z.int().positive() });

const deadLetterSchema = key
  .extend({
    subject: z.string().openapi({ description: 'Later events of this subject wait behind it, in order.' }),
    envelope: z.string().openapi({ description: 'The event as it came: JSON, if it was readable at all.' }),
    error: z.string().nullable().openapi({ description: 'Why the last try failed.' }),
    tries: z.int(),
    createdAt: instant(),
  })
  .openapi('DeadLetter');

type DeadLetterRow = Awaited<ReturnType<typeof listDeadLetters>>[number];

function toDeadLetter(row: DeadLetterRow) {
  return {
    source: row.source as (typeof SOURCES)[number],
    seq: row.seq,
    subject: row.subject,
    envelope: row.envelope,
    error: row.error,
    tries: row.tries,
    createdAt: row.createdAt.toISOString(),
  };
}

/** For services that listen: events that this one could not digest, and their way back. */
export function deadLettersRoutes({ db, guards }: { db: Db; guards: Guards }) {
  const router = createRouter();
  const cursor = cursorOf('dead-letters', key);

  router.openapi(
    createRoute({
      method: 'get',
      path: '/admin/dead-letters',
      tags,
      summary: 'Events whose tries are used up, by stream, oldest first',
      ...guards.admin,
      request: { query: pageQuery },
      responses: {
        200: json(pageSchema(deadLetterSchema), 'A page of dead letters.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'forbidden'),
      },
    }),
    async (c) => {
      const { limit, ...page } = c.req.valid('query');
      const rows = await listDeadLetters(db, limit + 1, cursor.decode(page.cursor));
      return c.json(
        toPage(rows, limit, toDeadLetter, (last) => {
          const { source, seq } = toDeadLetter(last);
          return cursor.encode({ source, seq });
        }),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/admin/dead-letters/replay',
      tags,
      summary: 'Try a dead letter again',
      description: 'It gets all its tries back; the events that wait behind it follow in their order.',
      ...guards.admin,
      request: { body: jsonBody(key.openapi('DeadLetterKey')) },
      responses: {
        202: { description: 'It will be tried again within a second or so.' },
        ...problemResponses(...badBody, 'unauthenticated', 'forbidden', 'not_found'),
      },
    }),
    async (c) => {
      const { source, seq } = c.req.valid('json');
      if (!(await replayDeadLetter(db, source, seq))) throw new Problem('not_found', 'No such dead letter.');
      return c.body(null, 202);
    },
  );

  return router;
}
