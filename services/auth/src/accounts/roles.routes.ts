import { createRoute, z } from '@hono/zod-openapi';
import { assertMatch } from '@tertulia/shared/http/conditional';
import { ROLES } from '@tertulia/shared/http/context';
import { id, idParam } from '@tertulia/shared/http/fields';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { tagOf, toUser, type UserRow, userSchema } from './accounts.schema.ts';
import { changeRole } from './roles.service.ts';

const tags = ['Roles'];

const roleBody = z.strictObject({ role: z.enum(ROLES) }).openapi('RoleChange');

export function rolesRoutes(deps: Deps) {
  const { guards } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'put',
      path: '/auth/users/{id}/role',
      tags,
      summary: 'Give a user a role',
      description:
        'Access tokens with the old role are refused everywhere within 2 s; sessions live on, and have the new role with their next refresh. One administrator always stays.',
      ...guards.admin,
      request: { params: idParam, body: jsonBody(roleBody) },
      responses: {
        200: json(userSchema, 'The user, with that role.'),
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'forbidden',
          'not_found',
          'last_admin',
          'precondition_failed',
        ),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const act = { caller, traceparent, assertCurrent: (user: UserRow) => assertMatch(c, tagOf(user)) };
      const user = await changeRole(deps, act, c.req.valid('param').id, c.req.valid('json').role);
      c.header('ETag', tagOf(user));
      return c.json(toUser(user), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/promote/{userId}',
      tags,
      summary: 'Make a user a moderator',
      ...guards.admin,
      request: { params: z.object({ userId: id() }) },
      responses: {
        200: json(userSchema, 'The user, now MODERATOR.'),
        ...problemResponses('unauthenticated', 'forbidden', 'not_found', 'conflict', 'last_admin'),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const assertCurrent = ({ role }: UserRow) => {
        if (role === 'ADMIN') throw new Problem('conflict', 'An administrator is more than a moderator.');
      };
      const act = { caller, traceparent, assertCurrent };
      return c.json(toUser(await changeRole(deps, act, c.req.valid('param').userId, 'MODERATOR')), 200);
    },
  );

  return router;
}
