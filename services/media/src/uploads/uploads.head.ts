import { createRoute } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import type { Caller } from '@tertulia/shared/http/context';
import { idParam } from '@tertulia/shared/http/fields';
import { Problem } from '@tertulia/shared/http/problem';
import { problemResponses, type Router } from '@tertulia/shared/http/router';
import { patient } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../request-context.ts';
import { conclude } from './conclude.ts';
import { headDraft } from './draft/draft.head.ts';
import { isDraft } from './draft/draft.ts';
import { tellExpiry } from './expiry.ts';
import { headHeaders, plainHeaders, tags, tusVersion, UPLOAD } from './tus.ts';
import { withUpload } from './uploads.service.ts';

export function mountHead(router: Router, deps: Deps): void {
  const { guards } = deps;
  const route = {
    path: UPLOAD,
    tags,
    summary: 'How far an upload has come',
    description: 'Takes the upload over from a request that stalls.',
    ...declareAccess('user'),
    request: { params: idParam, headers: plainHeaders },
    responses: {
      200: { description: 'In the headers.', headers: headHeaders },
      204: { description: 'IETF draft: in the headers.', headers: headHeaders },
      ...problemResponses(
        'malformed_request',
        'unauthenticated',
        'not_found',
        'method_not_allowed',
        'upload_gone',
        'unsupported_tus_version',
        'quota_exceeded',
        'unsupported_media_type',
        'unprocessable_media',
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
      const { id } = c.req.valid('param');
      return isDraft(c) ? headDraft(deps, c, id) : headUpload(deps, c, c.var.caller, id);
    },
  );
}

/** Also finishes what is complete but was interrupted before it became a media, which may take a while. */
export function headUpload(deps: Deps, c: RequestContext, caller: Caller, id: string) {
  return withUpload(deps, caller, id, async ({ upload, offset: stored }) => {
    const { offset, mediaId } = await conclude(deps, upload, stored, undefined, c.var.traceparent);
    // MUST: the offset, and the length where it is known; of a final upload they are equal by now.
    c.header('Upload-Offset', String(offset));
    if (upload.length !== null) c.header('Upload-Length', String(upload.length));
    // MUST: while the length is not known.
    else c.header('Upload-Defer-Length', '1');
    // MUST: Upload-Concat and the metadata, as they came.
    if (upload.concatHeader !== null) c.header('Upload-Concat', upload.concatHeader);
    if (upload.metadata !== null) c.header('Upload-Metadata', upload.metadata);
    if (mediaId === undefined) tellExpiry(c, upload.expiresAt);
    else c.header('Media-Id', mediaId);
    // MUST: no cache keeps this.
    c.header('Cache-Control', 'no-store');
    return c.body(null, 200);
  });
}
