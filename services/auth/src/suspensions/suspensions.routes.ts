import { createRoute } from '@hono/zod-openapi';
import { assertMatch, etagOf, isNotModified } from '@tertulia/shared/http/conditional';
import { idParam } from '@tertulia/shared/http/fields';
import { createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { UserRow } from '../accounts/accounts.schema.ts';
import type { Deps } from '../deps.ts';
import { type Suspension, suspensionBody, suspensionSchema, toSuspension } from './suspensions.schema.ts';
import { findSuspension, suspend, unsuspend } from './suspensions.service.ts';

const tags = ['Suspensions'];
const path = '/auth/users/{id}/suspension';
const refused = ['unauthenticated', 'forbidden', 'not_found'] as const;

export function suspensionsRoutes(deps: Deps) {
  const { guards } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path,
      tags,
      summary: 'Why and until when a user is suspended',
      ...guards.moderator,
      request: { params: idParam },
      responses: {
        200: json(suspensionSchema, 'The suspension.'),
        304: { description: 'Not modified.' },
        ...problemResponses(...refused),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const suspension = await findSuspension(deps, { caller, traceparent }, c.req.valid('param').id);
      c.header('ETag', tagOf(suspension));
      return isNotModified(c, tagOf(suspension)) ? c.body(null, 304) : c.json(suspension, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'put',
      path,
      tags,
      summary: 'Suspend a user',
      description:
        'Moderators suspend users, administrators all but administrators, nobody themselves. Every session ends, in every service within 2 s.',
      ...guards.moderator,
      request: { params: idParam, body: jsonBody(suspensionBody) },
      responses: {
        200: json(suspensionSchema, 'The suspension.'),
        ...problemResponses(
          ...refused,
          'malformed_json',
          'precondition_failed',
          'body_too_large',
          'unsupported_media_type',
          'invalid_fields',
        ),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const { reason, until = null } = c.req.valid('json');
      const assertCurrent = (user: UserRow) => assertMatch(c, tagOf(toSuspension(user)));
      const act = { caller, traceparent, assertCurrent };
      const suspension = await suspend(deps, act, c.req.valid('param').id, { reason, until });
      c.header('ETag', tagOf(suspension));
      return c.json(suspension, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path,
      tags,
      summary: 'End a suspension',
      ...guards.moderator,
      request: { params: idParam },
      responses: {
        204: { description: 'The user is not suspended.' },
        ...problemResponses(...refused, 'precondition_failed'),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const assertCurrent = (user: UserRow) => assertMatch(c, tagOf(toSuspension(user)));
      await unsuspend(deps, { caller, traceparent, assertCurrent }, c.req.valid('param').id);
      return c.body(null, 204);
    },
  );

  return router;
}

function tagOf(suspension: Suspension | undefined): string {
  return etagOf(...(suspension === undefined ? [] : Object.values(suspension)));
}
