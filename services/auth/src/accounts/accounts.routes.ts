import { createRoute, z } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { assertMatch, isNotModified } from '@tertulia/shared/http/conditional';
import { ROLES } from '@tertulia/shared/http/context';
import { idParam, line } from '@tertulia/shared/http/fields';
import { cursorOf, pageQuery, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { listUsers } from './accounts.repository.ts';
import {
  profilePatch,
  publicProfileSchema,
  STATUSES,
  tagOf,
  toPublicProfile,
  toUser,
  type UserRow,
  userSchema,
} from './accounts.schema.ts';
import { changeProfile } from './accounts.service.ts';

const tags = ['Accounts'];

export function accountsRoutes({ db, guards, findUser }: Deps) {
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path: '/auth/profile',
      tags,
      summary: 'Who am I?',
      ...guards.user,
      responses: {
        200: json(userSchema, 'The caller.'),
        304: { description: 'Not modified.' },
        ...problemResponses('unauthenticated', 'not_found'),
      },
    }),
    async (c) => {
      const user = await findUser(c.var.caller.userId);
      if (user === undefined) throw new Problem('not_found');
      c.header('ETag', tagOf(user));
      c.header('Cache-Control', 'private, no-cache');
      return isNotModified(c, tagOf(user)) ? c.body(null, 304) : c.json(toUser(user), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'patch',
      path: '/auth/profile',
      tags,
      summary: 'Change what you tell of yourself',
      ...guards.user,
      request: { body: jsonBody(profilePatch) },
      responses: {
        200: json(userSchema, 'The caller, changed.'),
        ...problemResponses(...badBody, 'unauthenticated', 'not_found', 'precondition_failed'),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const assertCurrent = (before: UserRow) => assertMatch(c, tagOf(before));
      const user = await changeProfile(db, caller, c.req.valid('json'), assertCurrent, traceparent);
      c.header('ETag', tagOf(user));
      return c.json(toUser(user), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'get',
      path: '/auth/users/{id}',
      tags,
      summary: 'The public profile of a user',
      ...open,
      request: { params: idParam },
      responses: {
        200: json(publicProfileSchema, 'The profile.'),
        304: { description: 'Not modified.' },
        ...problemResponses('not_found'),
      },
    }),
    async (c) => {
      const user = await findUser(c.req.valid('param').id);
      if (user === undefined) throw new Problem('not_found', 'No such user.');
      c.header('ETag', tagOf(user));
      return isNotModified(c, tagOf(user)) ? c.body(null, 304) : c.json(toPublicProfile(user), 200);
    },
  );

  const cursor = cursorOf('auth/users', z.uuid());
  router.openapi(
    createRoute({
      method: 'get',
      path: '/auth/users',
      tags,
      summary: 'Users, newest first',
      ...guards.admin,
      request: {
        query: pageQuery.extend({
          q: line(1, 64).optional().openapi({ description: 'Start of a username or e-mail address.' }),
          role: z.enum(ROLES).optional(),
          status: z.enum(STATUSES).optional(),
        }),
      },
      responses: {
        200: json(pageSchema(userSchema), 'A page of users.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'forbidden', 'invalid_fields'),
      },
    }),
    async (c) => {
      const { limit, q, role, status, ...page } = c.req.valid('query');
      const rows = await listUsers(db, { q, role, status, before: cursor.decode(page.cursor) }, limit + 1);
      return c.json(
        toPage(rows, limit, toUser, (last) => cursor.encode(last.id)),
        200,
      );
    },
  );

  return router;
}
