import { z } from '@hono/zod-openapi';
import { cursorOf, type PageQuery, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { json, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { listRenditions } from './renditions.repository.ts';
import { renditionSchema, toRendition } from './renditions.schema.ts';

const cursor = cursorOf('renditions', z.string().max(200));

/** What both lists of renditions answer. */
export const listResponses = {
  200: json(pageSchema(renditionSchema), 'A page, by name.'),
  ...problemResponses('invalid_page', 'not_found', 'invalid_fields', 'unavailable'),
};

/** A page of what was made of a media that may be seen; `base` is the path of the list. */
export async function pageOfRenditions({ db }: Deps, mediaId: string, query: PageQuery, base: string) {
  const { limit } = query;
  const rows = await listRenditions(db, mediaId, { limit, after: cursor.decode(query.cursor) });
  return toPage(
    rows,
    limit,
    (row) => toRendition(row, base),
    (last) => cursor.encode(last.name),
  );
}
