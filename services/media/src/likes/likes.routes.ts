import { createRoute } from '@hono/zod-openapi';
import { idParam } from '@tertulia/shared/http/fields';
import { createRouter, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { like, unlike } from './likes.service.ts';

const problems = problemResponses('unauthenticated', 'not_found', 'rate_limited', 'unavailable');

export function likesRoutes(deps: Deps) {
  const { env, guards } = deps;
  const liked = deps.limits({ name: 'likes', points: env.LIKES_PER_MINUTE, seconds: 60 });
  const router = createRouter();
  const route = { path: '/media/{id}/like', tags: ['Likes'], ...guards.user, request: { params: idParam } };

  router.openapi(
    createRoute({
      ...route,
      method: 'put',
      summary: 'Like a media',
      description: 'Again, it changes nothing.',
      responses: { 204: { description: 'The caller likes it.' }, ...problems },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      await liked.consume(caller.userId);
      await like(deps, caller, c.req.valid('param').id, { traceparent });
      return c.body(null, 204);
    },
  );

  router.openapi(
    createRoute({
      ...route,
      method: 'delete',
      summary: 'Take a like back',
      description: 'Where there is none, it changes nothing.',
      responses: { 204: { description: 'The caller does not like it.' }, ...problems },
    }),
    async (c) => {
      const { caller } = c.var;
      await liked.consume(caller.userId);
      await unlike(deps, caller, c.req.valid('param').id);
      return c.body(null, 204);
    },
  );

  return router;
}
