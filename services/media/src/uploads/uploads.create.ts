import { createRoute } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { problemResponses, type Router } from '@tertulia/shared/http/router';
import { newBlobKey } from '@tertulia/shared/storage/blob-store';
import { patient } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import { cleanFilename, titleOf } from '../files/file-name.ts';
import { parseDetails } from '../media/details.ts';
import type { RequestContext } from '../request-context.ts';
import { append, type Progress } from './append.ts';
import {
  createHeaders,
  hasOffsetOctets,
  integerHeader,
  locationHeader,
  octets,
  responseHeaders,
  tags,
  tusVersion,
  UPLOADS,
} from './tus.ts';
import { parseMetadata } from './upload-metadata.ts';
import { insertUpload, type NewUpload } from './uploads.repository.ts';
import { withUpload } from './uploads.service.ts';

export function mountCreate(router: Router, deps: Deps): void {
  const { db, env, guards } = deps;
  const started = deps.limits({ name: 'uploads', points: env.UPLOADS_PER_MINUTE, seconds: 60 });

  router.openapi(
    createRoute({
      method: 'post',
      path: UPLOADS,
      tags,
      summary: 'Start an upload',
      description: 'With a body of `application/offset+octet-stream`, its first bytes come along.',
      ...declareAccess('user'),
      middleware: [tusVersion, guards.user.middleware, patient] as const,
      request: { headers: createHeaders, body: octets },
      responses: {
        201: {
          description: 'It is made; `Location` says where it lives.',
          headers: { ...locationHeader, ...responseHeaders },
        },
        ...problemResponses(
          'malformed_request',
          'unauthenticated',
          'unsupported_tus_version',
          'upload_too_large',
          'unsupported_media_type',
          'invalid_fields',
          'upload_locked',
          'rate_limited',
          'unavailable',
          'insufficient_storage',
        ),
      },
    }),
    async (c) => {
      const { caller } = c.var;
      const { length, withBody } = readRequest(c, env.MEDIA_MAX_SIZE);
      const upload = newUpload(c, caller, length);
      await started.consume(caller.userId);
      await insertUpload(db, upload);
      c.header('Location', `${UPLOADS}/${upload.id}`);
      let progress: Progress = { offset: 0 };
      if (withBody) progress = await withUpload(deps, caller, upload.id, (open) => append(deps, c, open));
      // creation-with-upload, MUST: Upload-Offset tells what was taken of the body.
      c.header('Upload-Offset', String(progress.offset));
      if (progress.mediaId !== undefined) c.header('Media-Id', progress.mediaId);
      return c.body(null, 201);
    },
  );
}

function readRequest(c: RequestContext, maxSize: number): { length: number; withBody: boolean } {
  for (const extension of ['Upload-Defer-Length', 'Upload-Concat']) {
    if (c.req.header(extension) !== undefined) {
      throw new Problem('malformed_request', `${extension} belongs to an extension that is not supported.`);
    }
  }
  // MUST: Upload-Length, as lengths can't be deferred.
  const length = integerHeader(c, 'Upload-Length');
  // MUST: longer than Tus-Max-Size is 413.
  if (length > maxSize) throw new Problem('upload_too_large', `Files are at most ${maxSize} bytes.`);
  if (length === 0) throw new Problem('unsupported_media_type', 'An empty file is no media.');
  const bodyLength = Number(c.req.header('Content-Length') ?? 0);
  const hasBody = bodyLength > 0 || c.req.header('Transfer-Encoding') !== undefined;
  const withBody = hasOffsetOctets(c);
  // creation-with-upload, MUST: the body's type is application/offset+octet-stream.
  if (hasBody && !withBody)
    throw new Problem('unsupported_media_type', 'A body is upload data, or is not there.');
  if (bodyLength > length) throw new Problem('upload_too_large', 'The body is longer than Upload-Length.');
  return { length, withBody };
}

function newUpload(c: RequestContext, caller: Caller, length: number): NewUpload & { id: string } {
  const metadata = c.req.header('Upload-Metadata');
  const { filename: given, title, description, visibility, tags } = parseMetadata(metadata);
  const filename = cleanFilename(given);
  const details = parseDetails({ title, description, visibility, tags });
  return {
    id: Bun.randomUUIDv7(),
    ownerId: caller.userId,
    ownerUsername: caller.username,
    length,
    metadata: metadata ?? null,
    filename,
    ...details,
    title: details.title ?? titleOf(filename),
    blobKey: newBlobKey(),
  };
}
