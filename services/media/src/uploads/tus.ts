import { z } from '@hono/zod-openapi';
import type { AppEnv } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { createMiddleware } from 'hono/factory';
import type { RequestContext } from '../request-context.ts';

export const UPLOADS = '/media/uploads';
export const UPLOAD = '/media/uploads/{id}';
export const tags = ['Uploads (tus 1.0.0)'];

export const TUS_VERSION = '1.0.0';
/** Only what is there. */
export const TUS_EXTENSIONS = 'creation,creation-with-upload,termination';
export const OFFSET_OCTETS = 'application/offset+octet-stream';

export const isUploadPath = (path: string) => path.startsWith(`${UPLOADS}/`);

/** Every tus response carries the version, and only requests of that version get through. */
export const tusVersion = createMiddleware<AppEnv>(async (c, next) => {
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
export function hasOffsetOctets(c: RequestContext): boolean {
  const type = c.req.header('Content-Type')?.split(';', 1)[0];
  return type?.trim().toLowerCase() === OFFSET_OCTETS;
}

/** For OpenAPI. What is invalid is told by the routes, as the protocol wants other statuses than 422. */
const text = (description: string, example?: string) =>
  z
    .string()
    .optional()
    .openapi({ description, ...(example === undefined ? {} : { example }) });

export const requestHeaders = {
  'tus-resumable': text('The version of the protocol; required.', TUS_VERSION),
};
export const createHeaders = z.object({
  ...requestHeaders,
  'upload-length': text('Bytes of the whole file; required.', '1048576'),
  'upload-metadata': text(
    '`key base64` pairs: `filename`, `filetype`, `title`, `description`, `visibility`, `tags`.',
    'filename Z2FyZGVuLnBuZw==,visibility cHJpdmF0ZQ==',
  ),
});
export const patchHeaders = z.object({
  ...requestHeaders,
  'upload-offset': text('Where the body goes; required, and must be the current offset.', '0'),
});

type HeaderDoc = { description: string; schema: { type: 'string' | 'integer' } };
const header = (description: string, type: 'string' | 'integer' = 'string'): HeaderDoc => ({
  description,
  schema: { type },
});
export const responseHeaders = {
  'Tus-Resumable': header('The version of the protocol.'),
  'Upload-Offset': header('Bytes that are stored.', 'integer'),
  'Media-Id': header('The media that it became; only when it is complete.'),
};
export const headHeaders = {
  ...responseHeaders,
  'Upload-Length': header('Bytes of the whole file.', 'integer'),
  'Upload-Metadata': header('As it came when the upload was made.'),
  'Cache-Control': header('`no-store`.'),
};
export const locationHeader = { Location: header('Where the upload lives.') };
export const optionsHeaders = {
  'Tus-Resumable': header('The version of the protocol.'),
  'Tus-Version': header('Every version that is supported.'),
  'Tus-Extension': header('Every extension that is supported.'),
  'Tus-Max-Size': header('Largest file that is taken, in bytes.', 'integer'),
};

export const octets = {
  required: false as const,
  content: { [OFFSET_OCTETS]: { schema: z.any().openapi({ type: 'string', format: 'binary' }) } },
};
