import { z } from '@hono/zod-openapi';
import type { AppEnv } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { createMiddleware } from 'hono/factory';
import type { RequestContext } from '../request-context.ts';
import { contentType, isDraft, PARTIAL_UPLOAD } from './draft/draft.ts';

export const UPLOADS = '/media/uploads';
export const UPLOAD = '/media/uploads/{id}';
export const tags = ['Uploads (tus 1.0.0, and the IETF’s draft 12)'];

export const TUS_VERSION = '1.0.0';
/** Only what is there: trailers do not reach a handler, so there is no `checksum-trailer`. */
export const TUS_EXTENSIONS =
  'creation,creation-with-upload,creation-defer-length,termination,checksum,concatenation,expiration';
export const OFFSET_OCTETS = 'application/offset+octet-stream';

export const isUploadPath = (path: string) => path.startsWith(`${UPLOADS}/`);

/** Every tus response carries the version, and only requests of that version get through, or the draft's. */
export const tusVersion = createMiddleware<AppEnv>(async (c, next) => {
  if (isDraft(c)) return next();
  // MUST: Tus-Resumable is in every response.
  c.header('Tus-Resumable', TUS_VERSION);
  // MUST: another version, or none, is 412 with the versions that are supported, and is not processed.
  if (c.req.header('Tus-Resumable') !== TUS_VERSION) {
    throw new Problem('unsupported_tus_version', `Send Tus-Resumable: ${TUS_VERSION}.`, {
      headers: { 'Tus-Version': TUS_VERSION },
    });
  }
  await next();
});

/** The value of a header that holds a non-negative integer. @throws {Problem} `malformed_request` */
export function integerHeader(c: RequestContext, name: string): number {
  const text = c.req.header(name);
  // MUST: a non-negative integer.
  if (text === undefined || !/^\d{1,30}$/.test(text)) {
    throw new Problem('malformed_request', `${name} must be a whole number.`);
  }
  return Number(text);
}

/** True when the body is upload data. */
export const hasOffsetOctets = (c: RequestContext) => contentType(c) === OFFSET_OCTETS;

/** For OpenAPI. What is invalid is told by the routes, as the protocol wants other statuses than 422. */
const text = (description: string, example?: string) =>
  z
    .string()
    .optional()
    .openapi({ description, ...(example === undefined ? {} : { example }) });

export const requestHeaders = {
  'tus-resumable': text('The version of the protocol; required.', TUS_VERSION),
};
const checksum = text('`sha1` or `sha256` of this body, and Base64. If it does not match, 460.');
const complete = text('IETF draft: `?1` when the body ends the file, `?0` when more follows.');
const interop = text('IETF draft: 8 (draft 12). For HEAD and DELETE it tells the draft from tus.');
const length = 'Bytes of the whole file';
export const createHeaders = z.object({
  ...requestHeaders,
  'upload-length': text(`${length}.`, '1048576'),
  'upload-defer-length': text(`1, when a later PATCH tells the length.`),
  'upload-concat': text('`partial`, or `final;` and the URLs of partial uploads, separated by spaces.'),
  'upload-checksum': checksum,
  'upload-complete': complete,
  'upload-draft-interop-version': interop,
  'upload-metadata': text(
    '`key base64` pairs: `filename`, `filetype`, `title`, `description`, `visibility`, `tags`.',
    'filename Z2FyZGVuLnBuZw==,visibility cHJpdmF0ZQ==',
  ),
});
export const patchHeaders = z.object({
  ...requestHeaders,
  'upload-offset': text('Where the body goes; required, and must be the current offset.', '0'),
  'upload-length': text(`${length}, where it was deferred.`),
  'upload-checksum': checksum,
  'upload-complete': complete,
  'upload-draft-interop-version': interop,
});
export const plainHeaders = z.object({ ...requestHeaders, 'upload-draft-interop-version': interop });

type HeaderDoc = { description: string; schema: { type: 'string' | 'integer' } };
const header = (description: string, type: 'string' | 'integer' = 'string'): HeaderDoc => ({
  description,
  schema: { type },
});
export const responseHeaders = {
  'Tus-Resumable': header('The version of the protocol.'),
  'Upload-Offset': header('Bytes that are stored.', 'integer'),
  'Upload-Expires': header('When it is given up, unless more comes; an HTTP date.'),
  'Upload-Complete': header('IETF draft: `?1` or `?0`.'),
  'Upload-Limit': header('IETF draft: `max-size`, `min-size`, `max-age`.'),
  'Media-Id': header('The media that it became; only when it is complete.'),
};
export const headHeaders = {
  ...responseHeaders,
  'Upload-Length': header('Bytes of the whole file, if known.', 'integer'),
  'Upload-Defer-Length': header('1 while the length is not known.'),
  'Upload-Concat': header('As it came when the upload was made.'),
  'Upload-Metadata': header('As it came when the upload was made.'),
  'Cache-Control': header('`no-store`.'),
};
export const locationHeader = { Location: header('Where the upload lives.') };
export const optionsHeaders = {
  'Tus-Resumable': header('The version of the protocol.'),
  'Tus-Version': header('Every version that is supported.'),
  'Tus-Extension': header('Every extension that is supported.'),
  'Tus-Max-Size': header('Largest file that is taken, in bytes.', 'integer'),
  'Tus-Checksum-Algorithm': header('What `Upload-Checksum` takes.'),
  'Accept-Patch': header('What PATCH takes.'),
  'Upload-Limit': responseHeaders['Upload-Limit'],
};

const binary = { schema: z.any().openapi({ type: 'string', format: 'binary' }) };
export const octets = {
  required: false as const,
  content: { [OFFSET_OCTETS]: binary, [PARTIAL_UPLOAD]: binary },
};
