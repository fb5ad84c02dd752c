import { createRoute } from '@hono/zod-openapi';
import { idParam } from '@tertulia/shared/http/fields';
import { createRouter, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { resetFactors } from './reset-factors.service.ts';

export function resetFactorsRoutes(deps: Deps) {
  return createRouter().openapi(
    createRoute({
      method: 'delete',
      path: '/auth/users/{id}/factors',
      tags: ['Second factors'],
      summary: "Remove a user's second factors and passkeys",
      description:
        'For who has lost them all. The user is told by mail, and every session ends. Your own go by `DELETE /auth/mfa/totp` and `DELETE /auth/passkeys/{id}`.',
      ...deps.guards.admin,
      request: { params: idParam },
      responses: {
        204: { description: 'There are none.' },
        ...problemResponses('unauthenticated', 'forbidden', 'not_found'),
      },
    }),
    async (c) => {
      await resetFactors(deps, c.var.caller, c.req.valid('param').id, c.var.traceparent);
      return c.body(null, 204);
    },
  );
}
