import { createRoute, z } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import type { Caller } from '@tertulia/shared/http/context';
import { idParam } from '@tertulia/shared/http/fields';
import { Problem } from '@tertulia/shared/http/problem';
import { problemResponses, type Router } from '@tertulia/shared/http/router';
import { patient } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../request-context.ts';
import { headHeaders, requestHeaders, tags, tusVersion, UPLOAD } from './tus.ts';
import { finish, withUpload } from './uploads.service.ts';

export function mountHead(router: Router, deps: Deps): void {
  const { guards } = deps;
  const route = {
    path: UPLOAD,
    tags,
    summary: 'How far an upload has come',
    description: 'Takes the upload over from a request that stalls.',
    ...declareAccess('user'),
    request: { params: idParam, headers: z.object(requestHeaders) },
    responses: {
      200: { description: 'In the headers.', headers: headHeaders },
      ...problemResponses(
        'unauthenticated',
        'not_found',
        'method_not_allowed',
        'unsupported_tus_version',
        'unsupported_media_type',
        'upload_locked',
        'unavailable',
        'insufficient_storage',
      ),
    },
  } as const;
  router.openAPIRegistry.registerPath(createRoute({ method: 'head', ...route }));
  // Hono hands HEAD to the GET route.
  router.openapi(
    createRoute({
      method: 'get',
      hide: true,
      ...route,
      middleware: [tusVersion, guards.user.middleware, patient] as const,
    }),
    (c) => {
      if (c.req.method !== 'HEAD') {
        throw new Problem('method_not_allowed', undefined, { headers: { Allow: 'HEAD, PATCH, DELETE' } });
      }
      return headUpload(deps, c, c.var.caller, c.req.valid('param').id);
    },
  );
}

/** Also finishes what is complete but was interrupted before it became a media, which may take a while. */
export function headUpload(deps: Deps, c: RequestContext, caller: Caller, id: string) {
  return withUpload(deps, caller, id, async ({ upload, offset }) => {
    if (offset === upload.length)
      c.header('Media-Id', await finish(deps, upload, undefined, c.var.traceparent));
    // MUST: the offset, and the length where it is known.
    c.header('Upload-Offset', String(offset));
    c.header('Upload-Length', String(upload.length));
    // MUST: the metadata, as they came.
    if (upload.metadata !== null) c.header('Upload-Metadata', upload.metadata);
    // MUST: no cache keeps this.
    c.header('Cache-Control', 'no-store');
    return c.body(null, 200);
  });
}
