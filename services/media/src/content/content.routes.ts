import { createRoute, z } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import { isNotModified } from '@tertulia/shared/http/conditional';
import { idParam } from '@tertulia/shared/http/fields';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, problemResponses } from '@tertulia/shared/http/router';
import type { BlobBody } from '@tertulia/shared/storage/blob-store';
import type { Deps } from '../deps.ts';
import type { MediaRow } from '../media/media.schema.ts';
import { canSee } from '../media/visibility.ts';
import type { RequestContext } from '../request-context.ts';
import { contentDisposition } from './disposition.ts';
import { parseRange } from './range.ts';
import { allowSlowReader } from './slow-reader.ts';

const query = z.object({
  download: z
    .enum(['0', '1'])
    .optional()
    .openapi({ description: '`1` asks the browser to save it rather than show it.' }),
});

const bytes = {
  content: { 'application/octet-stream': { schema: z.any().openapi({ type: 'string', format: 'binary' }) } },
};

const contentRoute = {
  path: '/media/{id}/content',
  tags: ['Media'],
  request: { params: idParam, query },
  responses: {
    200: { description: 'The bytes, under the type that they are.', ...bytes },
    206: { description: 'The range asked for: a single one, or a suffix.', ...bytes },
    304: { description: 'Unchanged since the tag in `If-None-Match`.' },
    ...problemResponses(
      'unauthenticated',
      'not_found',
      'range_not_satisfiable',
      'invalid_fields',
      'unavailable',
    ),
  },
};

export function contentRoutes(deps: Deps) {
  const { blobs, guards, findMedia } = deps;
  const router = createRouter();
  // Hono hands HEAD to the GET route, so HEAD is only told to OpenAPI.
  router.openAPIRegistry.registerPath(
    createRoute({
      method: 'head',
      summary: 'The headers of the content',
      ...contentRoute,
      ...declareAccess('anyone'),
    }),
  );
  router.openapi(
    createRoute({
      method: 'get',
      summary: 'The bytes of a media',
      description: 'With `Accept-Ranges`, a strong `ETag`, `If-Range` and `If-None-Match`.',
      ...contentRoute,
      ...guards.anyone,
    }),
    async (c) => {
      const row = await findMedia(c.req.valid('param').id);
      if (row === undefined || !canSee(c.var.caller, row)) throw new Problem('not_found');
      const etag = `"${row.sha256}"`;
      const headers = headersOf(row, etag, c.req.valid('query').download === '1');
      if (isNotModified(c, etag)) return c.body(null, 304, headers);
      // RFC 9110, 14.2: Range MUST be ignored on anything but GET.
      if (c.req.method === 'HEAD') return c.body(null, 200, { ...headers, 'Content-Length': `${row.size}` });

      const range = rangeFor(c, row.size, etag);
      if (range === 'unsatisfiable') {
        throw new Problem('range_not_satisfiable', `It has ${row.size} bytes.`, {
          headers: { 'Content-Range': `bytes */${row.size}` },
        });
      }
      const body = await blobs.open(row.blobKey, range);
      if (body === undefined) throw new Problem('not_found');
      allowSlowReader(c, row.size);
      if (range !== undefined) {
        return new Response(body, {
          status: 206,
          headers: {
            ...headers,
            'Content-Range': `bytes ${range.start}-${range.end}/${row.size}`,
            'Content-Length': `${range.end - range.start + 1}`,
          },
        });
      }
      const whole = c.req.header('Range') === undefined ? body : streamed(body);
      return new Response(whole, { headers: { ...headers, 'Content-Length': `${row.size}` } });
    },
  );
  return router;
}

/** RFC 9110, 13.1.5: `If-Range` takes a strong tag that is equal; anything else means the whole. */
function rangeFor(c: RequestContext, size: number, etag: string) {
  const condition = c.req.header('If-Range');
  if (condition !== undefined && condition.trim() !== etag) return undefined;
  return parseRange(c.req.header('Range'), size);
}

function headersOf(row: MediaRow, etag: string, download: boolean): Record<string, string> {
  return {
    'Content-Type': row.mimeType,
    'Content-Disposition': contentDisposition(download ? 'attachment' : 'inline', row.filename),
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': row.visibility === 'public' ? 'public, max-age=60' : 'private, no-store',
    'Accept-Ranges': 'bytes',
    ETag: etag,
  };
}

/**
 * Bun answers a `Range` by itself where a file is the body, even after this route has decided for the whole.
 * Bytes that pass through a stream of ours are only bytes.
 */
function streamed(body: BlobBody): ReadableStream<Uint8Array> {
  return (body instanceof Blob ? body.stream() : body).pipeThrough(new TransformStream());
}
