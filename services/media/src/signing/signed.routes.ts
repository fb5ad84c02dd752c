import { createRoute, z } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { pageQuery } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter } from '@tertulia/shared/http/router';
import { bytesQuery, bytesResponses, wantsDownload } from '../content/bytes-responses.ts';
import type { Deliverable } from '../content/content.repository.ts';
import { deliverContent, deliverRendition } from '../content/deliver.ts';
import type { Deps } from '../deps.ts';
import { listResponses, pageOfRenditions } from '../renditions/list-page.ts';
import { nameOf, renditionName } from '../renditions/renditions.schema.ts';
import { isOpenTo } from './grants.ts';
import type { SignedToken } from './signed-token.ts';

const tags = ['Signed URLs'];
const params = z.object({ token: z.string().openapi({ description: 'Of `POST /media/{id}/sign`.' }) });

/** What a signed URL opens: no access token is looked at, and none is wanted. */
export function signedRoutes(deps: Deps) {
  const { findContent, urlKeys } = deps;
  const router = createRouter();

  /** @throws {Problem} `not_found` for whatever is wrong with it */
  async function granted(text: string): Promise<SignedToken> {
    const token = await urlKeys.open(text);
    if (token === undefined) throw new Problem('not_found');
    return token;
  }

  /** @throws {Problem} `not_found` when the token opens it no more, for whatever reason */
  function opened<Found>(
    token: SignedToken,
    found: Found | undefined,
    media: Deliverable | undefined,
  ): Found {
    if (found === undefined || media === undefined || !isOpenTo(token.signer, media)) {
      throw new Problem('not_found');
    }
    return found;
  }

  const secondsLeft = ({ expiresAt }: SignedToken) => Math.max(0, expiresAt - Math.ceil(Date.now() / 1000));

  for (const method of ['get', 'head'] as const) {
    const what = method === 'get' ? 'bytes' : 'headers';
    const shared = { method, tags, responses: bytesResponses, ...open };
    router.openAPIRegistry.registerPath(
      createRoute({
        ...shared,
        path: '/media/signed/{token}/content',
        summary: `The ${what} of a media`,
        request: { params, query: bytesQuery },
      }),
    );
    router.openAPIRegistry.registerPath(
      createRoute({
        ...shared,
        path: '/media/signed/{token}/renditions/{name}',
        summary: `The ${what} of a rendition`,
        request: { params: params.extend({ name: renditionName }), query: bytesQuery },
      }),
    );
  }

  router.get('/media/signed/:token/content', async (c) => {
    const token = await granted(c.req.param('token'));
    const found = await findContent.content(token.mediaId, token.keyId);
    const media = opened(token, found, found);
    return deliverContent(c, deps, media, { secondsLeft: secondsLeft(token), download: wantsDownload(c) });
  });

  router.get('/media/signed/:token/renditions/:name{.+}', async (c) => {
    const token = await granted(c.req.param('token'));
    const name = nameOf(c.req.param('name'));
    const found = await findContent.rendition(token.mediaId, name, token.keyId);
    const { media, rendition } = opened(token, found, found?.media);
    const to = { secondsLeft: secondsLeft(token), download: wantsDownload(c) };
    return deliverRendition(c, deps, media, rendition, to);
  });

  router.openapi(
    createRoute({
      method: 'get',
      path: '/media/signed/{token}/renditions',
      tags,
      summary: 'What was made of a media',
      request: { params, query: pageQuery },
      responses: listResponses,
      ...open,
    }),
    async (c) => {
      const text = c.req.valid('param').token;
      const token = await granted(text);
      const found = await findContent.content(token.mediaId, token.keyId);
      const { id } = opened(token, found, found);
      c.header('Cache-Control', 'private, no-store');
      const base = `/media/signed/${text}/renditions`;
      return c.json(await pageOfRenditions(deps, id, c.req.valid('query'), base), 200);
    },
  );
  return router;
}
