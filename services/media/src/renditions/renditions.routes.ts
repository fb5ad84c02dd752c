import { createRoute } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import { idParam } from '@tertulia/shared/http/fields';
import { pageQuery } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, problemResponses } from '@tertulia/shared/http/router';
import { bytesQuery, bytesResponses, wantsDownload } from '../content/bytes-responses.ts';
import { deliverRendition } from '../content/deliver.ts';
import type { Deps } from '../deps.ts';
import { canSee } from '../media/visibility.ts';
import { listResponses, pageOfRenditions } from './list-page.ts';
import { nameOf, renditionName } from './renditions.schema.ts';

const tags = ['Media'];

export function renditionsRoutes(deps: Deps) {
  const { guards, findContent } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path: '/media/{id}/renditions',
      tags,
      summary: 'What was made of a media',
      description: 'Thumbnails, poster, waveform, HLS: seen by whoever may see the media.',
      ...guards.anyone,
      request: { params: idParam, query: pageQuery },
      responses: { ...listResponses, ...problemResponses('unauthenticated') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const media = await findContent.content(id);
      if (media === undefined || !canSee(c.var.caller, media)) throw new Problem('not_found');
      c.header('Cache-Control', 'private, no-store');
      return c.json(await pageOfRenditions(deps, id, c.req.valid('query'), `/media/${id}/renditions`), 200);
    },
  );

  // A name holds slashes, which OpenAPI's paths can't say: they are told there and routed here.
  for (const method of ['get', 'head'] as const) {
    router.openAPIRegistry.registerPath(
      createRoute({
        method,
        path: '/media/{id}/renditions/{name}',
        tags,
        summary: method === 'get' ? 'The bytes of a rendition' : 'The headers of a rendition',
        description: 'As the content: the same decision, ranges and conditions.',
        request: { params: idParam.extend({ name: renditionName }), query: bytesQuery },
        responses: { ...bytesResponses, ...problemResponses('unauthenticated') },
        ...declareAccess('anyone'),
      }),
    );
  }
  router.get('/media/:id/renditions/:name{.+}', guards.anyone.middleware, async (c) => {
    const params = idParam.safeParse(c.req.param());
    if (!params.success) throw new Problem('not_found');
    const found = await findContent.rendition(params.data.id, nameOf(c.req.param('name')));
    if (found === undefined || !canSee(c.var.caller, found.media)) throw new Problem('not_found');
    return deliverRendition(c, deps, found.media, found.rendition, { download: wantsDownload(c) });
  });
  return router;
}
