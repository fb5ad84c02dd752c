import { createRoute, z } from '@hono/zod-openapi';
import { id } from '@tertulia/shared/http/fields';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { quotaBody, usageSchema } from './usage.schema.ts';
import { setQuota, usageOf } from './usage.service.ts';

const tags = ['Usage'];

export function usageRoutes(deps: Deps) {
  const { guards } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path: '/media/usage',
      tags,
      summary: 'What one’s own files take',
      ...guards.user,
      responses: {
        200: json(usageSchema, 'Bytes and files, and how many bytes there may be.'),
        ...problemResponses('unauthenticated', 'unavailable'),
      },
    }),
    async (c) => {
      c.header('Cache-Control', 'no-store');
      return c.json(await usageOf(deps, c.var.caller.userId), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'put',
      path: '/media/usage/{userId}',
      tags,
      summary: 'Set a user’s quota',
      description: 'What is stored already stays, however much it is; 0 takes nothing more.',
      ...guards.admin,
      request: { params: z.object({ userId: id() }), body: jsonBody(quotaBody) },
      responses: {
        200: json(usageSchema, 'The user’s usage.'),
        ...problemResponses(...badBody, 'unauthenticated', 'forbidden', 'not_found', 'unavailable'),
      },
    }),
    async (c) => {
      const { userId } = c.req.valid('param');
      return c.json(await setQuota(deps, userId, c.req.valid('json').quotaBytes), 200);
    },
  );

  return router;
}
