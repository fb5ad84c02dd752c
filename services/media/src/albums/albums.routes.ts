import { createRoute, z } from '@hono/zod-openapi';
import { assertMatch, isNotModified } from '@tertulia/shared/http/conditional';
import { idParam } from '@tertulia/shared/http/fields';
import { idempotencyHeader, idempotently } from '@tertulia/shared/http/idempotency';
import { cursorOf, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { isModerator } from '../media/visibility.ts';
import { findAlbum, listAlbums } from './albums.repository.ts';
import {
  type Album,
  type AlbumRow,
  albumBody,
  albumChange,
  albumSchema,
  albumsQuery,
  etagOfAlbum,
  toAlbum,
} from './albums.schema.ts';
import { changeAlbum, makeAlbum, removeAlbum } from './albums.service.ts';
import { canSeeAlbum } from './albums.visibility.ts';
import { mountItems } from './items.routes.ts';

const tags = ['Albums'];

type Answer = { album: Album; etag: string };

export function albumsRoutes(deps: Deps) {
  const { db, env, guards } = deps;
  const changed = deps.limits({ name: 'albums', points: env.ALBUM_CHANGES_PER_MINUTE, seconds: 60 });
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'post',
      path: '/albums',
      tags,
      summary: 'Make an album',
      ...guards.user,
      request: { headers: idempotencyHeader, body: jsonBody(albumBody) },
      responses: {
        201: json(albumSchema, 'The new album, empty.'),
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'idempotency_key_reused',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { caller } = c.var;
      const body = c.req.valid('json');
      await changed.consume(caller.userId);
      const key = c.req.valid('header')['idempotency-key'];
      const request = { key, caller: caller.userId, route: 'POST /albums', body };
      const { answer, replayed } = await idempotently<Answer>(db, request, async (tx) => {
        const row = await makeAlbum(tx, caller, body);
        return { album: toAlbum(row), etag: etagOfAlbum(row) };
      });
      if (replayed) c.header('Idempotency-Replayed', 'true');
      c.header('Location', answer.album.links.self);
      c.header('ETag', answer.etag);
      return c.json(answer.album, 201);
    },
  );

  router.openapi(
    createRoute({
      method: 'get',
      path: '/albums',
      tags,
      summary: 'List albums',
      description: 'Public ones, newest first; with `owner`, all of it for that owner and for moderators.',
      ...guards.anyone,
      request: { query: albumsQuery },
      responses: {
        200: json(pageSchema(albumSchema), 'A page.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'invalid_fields', 'unavailable'),
      },
    }),
    async (c) => {
      const { owner, limit, cursor } = c.req.valid('query');
      const { caller } = c.var;
      if (owner === 'me' && caller === undefined) throw new Problem('unauthenticated', '`me` takes a token.');
      const ownerId = owner === 'me' ? caller?.userId : owner;
      const { encode, decode } = cursorOf(`albums ${ownerId}`, z.uuid());
      const all = ownerId !== undefined && (ownerId === caller?.userId || isModerator(caller));
      const rows = await listAlbums(db, { ownerId, all, after: decode(cursor), limit });
      c.header('Cache-Control', 'no-store');
      return c.json(
        toPage(rows, limit, toAlbum, ({ id }) => encode(id)),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'get',
      path: '/albums/{id}',
      tags,
      summary: 'One album',
      ...guards.anyone,
      request: { params: idParam },
      responses: {
        200: json(albumSchema, 'The album.'),
        304: { description: 'Unchanged since the tag in `If-None-Match`.' },
        ...problemResponses('unauthenticated', 'not_found', 'unavailable'),
      },
    }),
    async (c) => {
      const row = await findAlbum(db, c.req.valid('param').id);
      if (row === undefined || !canSeeAlbum(c.var.caller, row)) throw new Problem('not_found');
      const etag = etagOfAlbum(row);
      c.header('ETag', etag);
      c.header('Cache-Control', 'private, no-cache');
      if (isNotModified(c, etag)) return c.body(null, 304);
      return c.json(toAlbum(row), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'patch',
      path: '/albums/{id}',
      tags,
      summary: 'Change title, description or visibility',
      description: 'Its owner alone. With `If-Match`, only while it is unchanged.',
      ...guards.user,
      request: { params: idParam, body: jsonBody(albumChange) },
      responses: {
        200: json(albumSchema, 'The album as it is now.'),
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'forbidden',
          'not_found',
          'precondition_failed',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { caller } = c.var;
      await changed.consume(caller.userId);
      const holds = (album: AlbumRow) => assertMatch(c, etagOfAlbum(album));
      const row = await changeAlbum(deps, caller, c.req.valid('param').id, c.req.valid('json'), holds);
      c.header('ETag', etagOfAlbum(row));
      return c.json(toAlbum(row), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/albums/{id}',
      tags,
      summary: 'Delete an album',
      description:
        'Its owner or a moderator. The media in it stay. With `If-Match`, only while it is unchanged.',
      ...guards.user,
      request: { params: idParam },
      responses: {
        204: { description: 'It is gone.' },
        ...problemResponses(
          'unauthenticated',
          'forbidden',
          'not_found',
          'precondition_failed',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { caller } = c.var;
      await changed.consume(caller.userId);
      const holds = (album: AlbumRow) => assertMatch(c, etagOfAlbum(album));
      await removeAlbum(deps, caller, c.req.valid('param').id, holds);
      return c.body(null, 204);
    },
  );

  mountItems(router, deps, changed);
  return router;
}
