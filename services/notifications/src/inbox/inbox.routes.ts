import { createRoute, z } from '@hono/zod-openapi';
import { etagOf, isNotModified } from '@tertulia/shared/http/conditional';
import { idParam, instant } from '@tertulia/shared/http/fields';
import { cursorOf, pageQuery, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import { PRIORITIES } from '../db/schema.ts';
import type { Deps } from '../deps.ts';
import { unreadOf, userChannel } from '../streams/streams.repository.ts';
import { NOTIFICATION_TYPES } from '../texts/texts.ts';
import { findNotification, listNotifications } from './inbox.repository.ts';
import {
  markedSchema,
  notificationSchema,
  selectionSchema,
  toNotification,
  unreadSchema,
} from './inbox.schema.ts';
import { read, remove, setRead } from './inbox.service.ts';

const tags = ['Inbox'];

export function inboxRoutes({ db, guards, hub }: Deps) {
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path: '/notifications',
      tags,
      summary: 'Your notifications, newest first',
      ...guards.user,
      request: {
        query: pageQuery.extend({
          unread: z.stringbool().optional().openapi({ type: 'boolean' }),
          type: z.enum(NOTIFICATION_TYPES).optional(),
          priority: z.enum(PRIORITIES).optional(),
          from: instant().optional().openapi({ description: 'Made at or after.' }),
          to: instant().optional().openapi({ description: 'Made before.' }),
        }),
      },
      responses: {
        200: json(pageSchema(notificationSchema), 'A page of notifications.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'invalid_fields'),
      },
    }),
    async (c) => {
      const { userId } = c.var.caller;
      const { limit, cursor: given, ...filter } = c.req.valid('query');
      const cursor = cursorOf(`notifications:${userId}`, z.uuid());
      const rows = await listNotifications(
        db,
        userId,
        { ...filter, before: cursor.decode(given) },
        limit + 1,
      );
      return c.json(
        toPage(rows, limit, toNotification, (last) => cursor.encode(last.id)),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'get',
      path: '/notifications/unread-count',
      tags,
      summary: 'How many are unread?',
      ...guards.user,
      responses: { 200: json(unreadSchema, 'The count.'), ...problemResponses('unauthenticated') },
    }),
    async (c) => c.json({ unread: await unreadOf(db, userChannel(c.var.caller.userId)) }, 200),
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/notifications/read',
      tags,
      summary: 'Mark notifications read',
      description: 'By `ids`, up to an offset of your stream (`upTo`), or `all`. Every device hears of it.',
      ...guards.user,
      request: { body: jsonBody(selectionSchema) },
      responses: {
        200: json(markedSchema, 'How many were marked, and how many are unread now.'),
        ...problemResponses(...badBody, 'unauthenticated'),
      },
    }),
    async (c) => c.json(await read(db, hub.publish, c.var.caller.userId, c.req.valid('json')), 200),
  );

  router.openapi(
    createRoute({
      method: 'get',
      path: '/notifications/{id}',
      tags,
      summary: 'One notification',
      ...guards.user,
      request: { params: idParam },
      responses: {
        200: json(notificationSchema, 'The notification.'),
        304: { description: 'Not modified.' },
        ...problemResponses('unauthenticated', 'not_found'),
      },
    }),
    async (c) => {
      const row = await findNotification(db, c.var.caller.userId, c.req.valid('param').id);
      if (row === undefined) throw new Problem('not_found');
      const etag = etagOf(row.id, row.read, row.entryOffset);
      c.header('ETag', etag);
      return isNotModified(c, etag) ? c.body(null, 304) : c.json(toNotification(row), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'patch',
      path: '/notifications/{id}',
      tags,
      summary: 'Mark one read or unread',
      ...guards.user,
      request: { params: idParam, body: jsonBody(z.strictObject({ read: z.boolean() })) },
      responses: {
        200: json(notificationSchema, 'The notification, changed.'),
        ...problemResponses(...badBody, 'unauthenticated', 'not_found'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const row = await setRead(db, hub.publish, c.var.caller.userId, id, c.req.valid('json').read);
      return c.json(toNotification(row), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/notifications/{id}',
      tags,
      summary: 'Delete one',
      ...guards.user,
      request: { params: idParam },
      responses: { 204: { description: 'It is gone.' }, ...problemResponses('unauthenticated', 'not_found') },
    }),
    async (c) => {
      await remove(db, hub.publish, c.var.caller.userId, c.req.valid('param').id);
      return c.body(null, 204);
    },
  );

  return router;
}
