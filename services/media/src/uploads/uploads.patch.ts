import { createRoute } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import type { Caller } from '@tertulia/shared/http/context';
import { idParam } from '@tertulia/shared/http/fields';
import { Problem } from '@tertulia/shared/http/problem';
import { problemResponses, type Router } from '@tertulia/shared/http/router';
import { patient } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../request-context.ts';
import { append } from './append.ts';
import {
  hasOffsetOctets,
  integerHeader,
  OFFSET_OCTETS,
  octets,
  patchHeaders,
  responseHeaders,
  tags,
  tusVersion,
  UPLOAD,
} from './tus.ts';
import { lengthOf, withUpload } from './uploads.service.ts';

export function mountPatch(router: Router, deps: Deps): void {
  const { guards } = deps;
  router.openapi(
    createRoute({
      method: 'patch',
      path: UPLOAD,
      tags,
      summary: 'Send the next bytes',
      description: 'The last bytes make it a media: `Media-Id` names it.',
      ...declareAccess('user'),
      middleware: [tusVersion, guards.user.middleware, patient] as const,
      request: { params: idParam, headers: patchHeaders, body: octets },
      responses: {
        204: { description: 'They are stored.', headers: responseHeaders },
        ...problemResponses(
          'malformed_request',
          'unauthenticated',
          'not_found',
          'upload_offset_mismatch',
          'unsupported_tus_version',
          'upload_too_large',
          'unsupported_media_type',
          'upload_locked',
          'unavailable',
          'insufficient_storage',
        ),
      },
    }),
    (c) => patchUpload(deps, c, c.var.caller, c.req.valid('param').id),
  );
}

export async function patchUpload(deps: Deps, c: RequestContext, caller: Caller, id: string) {
  // MUST: any other type is 415.
  if (!hasOffsetOctets(c))
    throw new Problem('unsupported_media_type', `Send Content-Type: ${OFFSET_OCTETS}.`);
  // MUST: Upload-Offset.
  const at = integerHeader(c, 'Upload-Offset');
  return withUpload(deps, caller, id, async (open) => {
    // MUST: another offset than the current one is 409, and the upload stays as it is.
    if (at !== open.offset) {
      throw new Problem('upload_offset_mismatch', `The upload is at ${open.offset}.`);
    }
    if (Number(c.req.header('Content-Length') ?? 0) > lengthOf(open.upload) - at) {
      throw new Problem('upload_too_large', 'The body is longer than what is left of the upload.');
    }
    const { offset, mediaId } = await append(deps, c, open);
    // MUST: 204 with the new offset.
    c.header('Upload-Offset', String(offset));
    if (mediaId !== undefined) c.header('Media-Id', mediaId);
    return c.body(null, 204);
  });
}
