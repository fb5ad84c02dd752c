import { isNotModified } from '@tertulia/shared/http/conditional';
import { Problem } from '@tertulia/shared/http/problem';
import type { BlobBody, BlobStore, ByteRange } from '@tertulia/shared/storage/blob-store';
import type { Redaction } from '../db/schema.ts';
import { redactedStream } from '../inspection/redact.ts';
import type { RequestContext } from '../request-context.ts';
import { contentDisposition } from './disposition.ts';
import { partsOf } from './parts.ts';
import { parseRange } from './range.ts';
import { allowSlowReader } from './slow-reader.ts';

/** Bytes that somebody may have, as he may have them. */
export type Part = {
  blobKey: string;
  size: number;
  /** Of the bytes that go out. */
  sha256: string;
  mimeType: string;
  filename: string;
  redactions: readonly Redaction[];
};

/** A thousand readers at a time hold 256 MiB of these. */
const SMALL = 256 * 1024;

type How = { cacheControl: string; download: boolean; varies: boolean };

/**
 * The one way in which bytes of media go out, the original and all that is made of it: whole, a range, or
 * nothing but headers. Whether they may is decided before.
 *
 * @throws {Problem} `range_not_satisfiable`; `not_found` when the blob has just gone
 */
export async function sendBytes(
  c: RequestContext,
  blobs: BlobStore,
  part: Part,
  how: How,
): Promise<Response> {
  const { size } = part;
  const etag = `"${part.sha256}"`;
  const headers = headersOf(part, etag, how);
  // Beside CORS's own.
  if (how.varies) c.header('Vary', 'Authorization', { append: true });
  if (isNotModified(c, etag)) return c.body(null, 304, headers);
  // RFC 9110, 14.2: Range MUST be ignored on anything but GET.
  if (c.req.method === 'HEAD') return c.body(null, 200, { ...headers, 'Content-Length': `${size}` });

  const range = rangeFor(c, size, etag);
  if (range === 'unsatisfiable') {
    throw new Problem('range_not_satisfiable', `It has ${size} bytes.`, {
      headers: { 'Content-Range': `bytes */${size}` },
    });
  }
  const body = await open(blobs, part, range);
  if (range !== undefined) {
    const length = range.end - range.start + 1;
    allowSlowReader(c, length);
    return new Response(body, {
      status: 206,
      headers: {
        ...headers,
        'Content-Range': `bytes ${range.start}-${range.end}/${size}`,
        'Content-Length': `${length}`,
      },
    });
  }
  allowSlowReader(c, size);
  const whole = c.req.header('Range') === undefined || body instanceof Uint8Array ? body : streamed(body);
  return new Response(whole, { headers: { ...headers, 'Content-Length': `${size}` } });
}

/**
 * A file as it lies there goes out by the kernel alone; only what is overlaid passes through us. Bun tells no
 * length of a stream, which downloads and players like to know, so what is small goes out as bytes.
 */
async function open(
  blobs: BlobStore,
  part: Part,
  range: ByteRange | undefined,
): Promise<BlobBody | Uint8Array<ArrayBuffer>> {
  const body = await blobs.open(part.blobKey, range);
  if (body === undefined) throw new Problem('not_found');
  const { start, end } = range ?? { start: 0, end: part.size - 1 };
  const shows = part.redactions.some(({ at, length }) => at <= end && at + length > start);
  if (!shows) return body;
  const overlaid = redactedStream(partsOf(body), start, part.redactions);
  return end - start < SMALL ? new Response(overlaid).bytes() : overlaid;
}

/** RFC 9110, 13.1.5: `If-Range` takes a strong tag that is equal; anything else means the whole. */
function rangeFor(c: RequestContext, size: number, etag: string) {
  const condition = c.req.header('If-Range');
  if (condition !== undefined && condition.trim() !== etag) return undefined;
  return parseRange(c.req.header('Range'), size);
}

function headersOf(part: Part, etag: string, { cacheControl, download }: How): Record<string, string> {
  return {
    'Content-Type': part.mimeType,
    'Content-Disposition': contentDisposition(download ? 'attachment' : 'inline', part.filename),
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': cacheControl,
    'Accept-Ranges': 'bytes',
    ETag: etag,
  };
}

/**
 * Bun answers a `Range` by itself where a file is the body, even after this route has decided for the whole.
 * Bytes that pass through a stream of ours are only bytes.
 */
function streamed(body: BlobBody): ReadableStream<Uint8Array> {
  return partsOf(body).pipeThrough(new TransformStream());
}
