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
import { draftAnswers } from './draft/draft.answers.ts';
import { patchDraft } from './draft/draft.patch.ts';
import { isDraft } from './draft/draft.ts';
import { renew, tellExpiry } from './expiry.ts';
import {
  hasOffsetOctets,
  integerHeader,
  locationHeader,
  OFFSET_OCTETS,
  octets,
  patchHeaders,
  responseHeaders,
  tags,
  tusVersion,
  UPLOAD,
} from './tus.ts';
import { parseChecksum } from './upload-checksum.ts';
import { checkLength, endOf } from './upload-length.ts';
import { withUpload } from './uploads.service.ts';

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
        201: {
          description: 'IETF draft: all is there, and this is the media.',
          headers: { ...locationHeader, ...responseHeaders },
          content: draftAnswers,
        },
        204: { description: 'They are stored.', headers: responseHeaders },
        ...problemResponses(
          'malformed_request',
          'completed_upload',
          'inconsistent_upload_length',
          'unauthenticated',
          'forbidden',
          'not_found',
          'upload_offset_mismatch',
          'mismatching_upload_offset',
          'upload_gone',
          'unsupported_tus_version',
          'upload_too_large',
          'quota_exceeded',
          'unsupported_media_type',
          'unprocessable_media',
          'upload_locked',
          'checksum_mismatch',
          'unavailable',
          'insufficient_storage',
        ),
      },
    }),
    (c) => {
      const { id } = c.req.valid('param');
      return isDraft(c) ? patchDraft(deps, c, id) : patchUpload(deps, c, c.var.caller, id);
    },
  );
}

export async function patchUpload(deps: Deps, c: RequestContext, caller: Caller, id: string) {
  // MUST: any other type is 415.
  if (!hasOffsetOctets(c))
    throw new Problem('unsupported_media_type', `Send Content-Type: ${OFFSET_OCTETS}.`);
  // MUST: Upload-Offset.
  const at = integerHeader(c, 'Upload-Offset');
  const checksum = parseChecksum(c.req.header('Upload-Checksum'));
  const isTold = c.req.header('Upload-Length') !== undefined;
  const length = isTold ? integerHeader(c, 'Upload-Length') : undefined;
  return withUpload(deps, caller, id, async (open) => {
    const { upload } = open;
    // MUST: PATCH of a final upload is 403, and it stays as it is.
    if (upload.concat === 'final') throw new Problem('forbidden', 'Its bytes are those of its parts.');
    // MUST: another offset than the current one is 409, and the upload stays as it is.
    if (at !== open.offset) {
      throw new Problem('upload_offset_mismatch', `The upload is at ${open.offset}.`);
    }
    if (length !== undefined) checkLength(deps.env, upload, at, length);
    if (Number(c.req.header('Content-Length') ?? 0) > (length ?? endOf(upload, deps.env)) - at) {
      throw new Problem('upload_too_large', 'The body is longer than what is left of the upload.');
    }
    const { offset, mediaId } = await append(deps, c, open, { checksum, length });
    // MUST: 204 with the new offset.
    c.header('Upload-Offset', String(offset));
    if (mediaId === undefined) tellExpiry(c, await renew(deps, upload));
    else c.header('Media-Id', mediaId);
    return c.body(null, 204);
  });
}
