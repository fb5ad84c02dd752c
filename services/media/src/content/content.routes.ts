import { createRoute } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import { idParam } from '@tertulia/shared/http/fields';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { canSee } from '../media/visibility.ts';
import { bytesQuery, bytesResponses } from './bytes-responses.ts';
import { deliverContent } from './deliver.ts';

const contentRoute = {
  path: '/media/{id}/content',
  tags: ['Media'],
  request: { params: idParam, query: bytesQuery },
  responses: { ...bytesResponses, ...problemResponses('unauthenticated') },
};

export function contentRoutes(deps: Deps) {
  const { guards, findContent } = deps;
  const router = createRouter();
  // Hono hands HEAD to the GET route, so HEAD is only told to OpenAPI.
  router.openAPIRegistry.registerPath(
    createRoute({
      method: 'head',
      summary: 'The headers of the content',
      ...contentRoute,
      ...declareAccess('anyone'),
    }),
  );
  router.openapi(
    createRoute({
      method: 'get',
      summary: 'The bytes of a media',
      description:
        'With `Accept-Ranges`, a strong `ETag`, `If-Range` and `If-None-Match`. What a camera wrote into the ' +
        'file (place, device) its owner gets, and others only where the owner has said so: they get as many ' +
        'bytes, with that written over.',
      ...contentRoute,
      ...guards.anyone,
    }),
    async (c) => {
      const { caller } = c.var;
      const media = await findContent.content(c.req.valid('param').id);
      if (media === undefined || !canSee(caller, media)) throw new Problem('not_found');
      return deliverContent(c, deps, media, { caller, download: c.req.valid('query').download === '1' });
    },
  );
  return router;
}
