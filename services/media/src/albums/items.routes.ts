import { createRoute, z } from '@hono/zod-openapi';
import { assertMatch } from '@tertulia/shared/http/conditional';
import { idParam } from '@tertulia/shared/http/fields';
import { cursorOf, pageQuery, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, json, problemResponses, type Router } from '@tertulia/shared/http/router';
import type { Limit } from '@tertulia/shared/limits/limits';
import type { Deps } from '../deps.ts';
import { likedAmong } from '../likes/likes.repository.ts';
import { mediaSchema, toMedia } from '../media/media.schema.ts';
import { findAlbum } from './albums.repository.ts';
import { type AlbumRow, albumSchema, etagOfAlbum, itemBody, itemParam, toAlbum } from './albums.schema.ts';
import { placeItem, takeItem } from './albums.service.ts';
import { canSeeAlbum } from './albums.visibility.ts';
import { listItems } from './items.repository.ts';

const tags = ['Albums'];
const place = z.object({ position: z.number(), mediaId: z.uuid() });
const writeProblems = [
  'unauthenticated',
  'forbidden',
  'not_found',
  'precondition_failed',
  'rate_limited',
  'unavailable',
] as const;

export function mountItems(router: Router, deps: Deps, changed: Limit): void {
  const { db, guards } = deps;

  router.openapi(
    createRoute({
      method: 'get',
      path: '/albums/{id}/items',
      tags,
      summary: 'What is in an album',
      description: 'In its order, and only what the caller may see.',
      ...guards.anyone,
      request: { params: idParam, query: pageQuery },
      responses: {
        200: json(pageSchema(mediaSchema), 'A page.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'not_found', 'invalid_fields', 'unavailable'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { limit, cursor } = c.req.valid('query');
      const { caller } = c.var;
      const { encode, decode } = cursorOf(`album ${id}`, place);
      const after = decode(cursor);
      const album = await findAlbum(db, id);
      if (album === undefined || !canSeeAlbum(caller, album)) throw new Problem('not_found');
      const rows = await listItems(db, caller, id, after, limit);
      const liked = await likedAmong(
        db,
        caller,
        rows.map(({ media }) => media),
      );
      c.header('Cache-Control', 'no-store');
      return c.json(
        toPage(
          rows,
          limit,
          ({ media }) => toMedia(media, caller, liked.has(media.id)),
          ({ position, media }) => encode({ position, mediaId: media.id }),
        ),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'put',
      path: '/albums/{id}/items/{mediaId}',
      tags,
      summary: 'Add a media to an album, or move it',
      description: 'The album’s owner alone, who must be able to see the media.',
      ...guards.user,
      request: {
        params: itemParam,
        body: { required: false, content: { 'application/json': { schema: itemBody } } },
      },
      responses: {
        200: json(albumSchema, 'The album as it is now.'),
        ...problemResponses(...badBody, ...writeProblems, 'conflict'),
      },
    }),
    async (c) => {
      const { caller } = c.var;
      await changed.consume(caller.userId);
      const holds = (album: AlbumRow) => assertMatch(c, etagOfAlbum(album));
      const { after } = c.req.valid('json');
      const row = await placeItem(deps, caller, { ...c.req.valid('param'), after }, holds);
      c.header('ETag', etagOfAlbum(row));
      return c.json(toAlbum(row), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/albums/{id}/items/{mediaId}',
      tags,
      summary: 'Take a media out of an album',
      ...guards.user,
      request: { params: itemParam },
      responses: { 204: { description: 'It is not in it.' }, ...problemResponses(...writeProblems) },
    }),
    async (c) => {
      const { caller } = c.var;
      await changed.consume(caller.userId);
      const holds = (album: AlbumRow) => assertMatch(c, etagOfAlbum(album));
      await takeItem(deps, caller, c.req.valid('param'), holds);
      return c.body(null, 204);
    },
  );
}
