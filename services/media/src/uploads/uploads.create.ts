import { createRoute } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import { Problem } from '@tertulia/shared/http/problem';
import { problemResponses, type Router } from '@tertulia/shared/http/router';
import { patient } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import type { CallerContext } from '../request-context.ts';
import { append } from './append.ts';
import { conclude } from './conclude.ts';
import { readCreation } from './creation.ts';
import { createDraft } from './draft/draft.create.ts';
import { isDraft } from './draft/draft.ts';
import { tellExpiry } from './expiry.ts';
import { insertFinal } from './finals.ts';
import { insertReserved, newUpload } from './new-upload.ts';
import { createHeaders, locationHeader, octets, responseHeaders, tags, tusVersion, UPLOADS } from './tus.ts';
import { discard, withUpload } from './uploads.service.ts';

export function mountCreate(router: Router, deps: Deps): void {
  const { env, guards } = deps;
  const started = deps.limits({ name: 'uploads', points: env.UPLOADS_PER_MINUTE, seconds: 60 });

  router.openapi(
    createRoute({
      method: 'post',
      path: UPLOADS,
      tags,
      summary: 'Start an upload',
      description:
        'With a body of `application/offset+octet-stream`, its first bytes come along. An upload of no bytes is complete, and becomes no media.',
      ...declareAccess('user'),
      middleware: [tusVersion, guards.user.middleware, patient] as const,
      request: { headers: createHeaders, body: octets },
      responses: {
        201: {
          description:
            'It is made; `Location` says where it lives. IETF draft: with `Upload-Complete: ?1`, the media as JSON.',
          headers: { ...locationHeader, ...responseHeaders },
        },
        ...problemResponses(
          'malformed_request',
          'inconsistent_upload_length',
          'unauthenticated',
          'not_found',
          'unsupported_tus_version',
          'upload_too_large',
          'quota_exceeded',
          'unsupported_media_type',
          'unprocessable_media',
          'invalid_fields',
          'upload_locked',
          'rate_limited',
          'checksum_mismatch',
          'unavailable',
          'insufficient_storage',
        ),
      },
    }),
    async (c) => {
      const begin = () => started.consume(c.var.caller.userId);
      return isDraft(c) ? createDraft(deps, c, begin) : createUpload(deps, c, begin);
    },
  );
}

async function createUpload(deps: Deps, c: CallerContext, begin: () => Promise<unknown>) {
  const { caller } = c.var;
  const { length, concat, withBody, checksum } = readCreation(c, deps.env.MEDIA_MAX_SIZE);
  const upload = newUpload(c, caller, concat);
  await begin();
  const { id, expiresAt } =
    concat?.kind === 'final'
      ? await insertFinal(deps, { ...upload, parts: concat.parts })
      : await insertReserved(deps, { ...upload, length });
  c.header('Location', `${UPLOADS}/${id}`);
  const { offset, mediaId } = await withUpload(deps, caller, id, async (open) => {
    if (!withBody) return conclude(deps, open.upload, open.offset, undefined, c.var.traceparent);
    try {
      return await append(deps, c, open, { checksum });
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'checksum_mismatch') throw error;
      // Who sent it has not heard of the upload yet.
      await discard(deps, open.upload);
      c.header('Location', undefined);
      throw error;
    }
  });
  // creation-with-upload, MUST: Upload-Offset tells what was taken of the body.
  c.header('Upload-Offset', String(offset));
  if (mediaId === undefined) tellExpiry(c, expiresAt);
  else c.header('Media-Id', mediaId);
  return c.body(null, 201);
}
