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

/** What is overlaid goes out as bytes up to here: a thousand readers at a time hold 256 MiB of it. */
const SMALL = 256 * 1024;
/** And so does what is not, up to here: reading it costs less than having Bun send a part of a file. */
const TINY = 64 * 1024;
/** Whoever may no longer see it gets in for so long with an address that he was told before. */
const ELSEWHERE_SECONDS = 60;

/** `secondsLeft`: of a signed URL. */
type How = { cacheControl: string; download: boolean; varies: boolean; secondsLeft?: number | undefined };

/**
 * The one way in which bytes of media go out, the original and all that is made of it: whole, a range, or
 * nothing but headers; or, where a store of browsers' own reach holds them, the way there. Whether they may is
 * decided before.
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
  if (isNotModified(c, etag)) return c.body(null, 304, headers);
  // RFC 9110, 14.2: Range MUST be ignored on anything but GET.
  if (c.req.method === 'HEAD') return c.body(null, 200, { ...headers, 'Content-Length': `${size}` });

  const range = rangeFor(c, size, etag);
  if (range === 'unsatisfiable') {
    throw new Problem('range_not_satisfiable', `It has ${size} bytes.`, {
      headers: { 'Content-Range': `bytes */${size}` },
    });
  }
  const elsewhere = await elsewhereFor(blobs, part, how);
  if (elsewhere !== undefined) {
    // Where it leads is for whoever was let in just now.
    return c.body(null, 302, { Location: elsewhere, 'Cache-Control': 'private, no-store' });
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
 * The bucket's own address, where there is one that browsers may be sent to. It opens all of the blob, whatever
 * range is asked for: only where nothing of it is hidden.
 */
async function elsewhereFor(blobs: BlobStore, part: Part, how: How): Promise<string | undefined> {
  if (part.redactions.length > 0) return undefined;
  return blobs.presign?.(part.blobKey, {
    seconds: Math.max(1, Math.min(ELSEWHERE_SECONDS, how.secondsLeft ?? ELSEWHERE_SECONDS)),
    mimeType: part.mimeType,
    disposition: dispositionOf(part, how),
    cacheControl: how.cacheControl,
  });
}

/**
 * A file as it lies there goes out by the kernel alone; only what is overlaid, or tiny, passes through us. Bun
 * tells no length of a stream, which downloads and players like to know, so what is small goes out as bytes.
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
  if (!shows) return end - start < TINY && body instanceof Blob ? body.bytes() : body;
  const overlaid = redactedStream(partsOf(body), start, part.redactions);
  return end - start < SMALL ? new Response(overlaid).bytes() : overlaid;
}

/** RFC 9110, 13.1.5: `If-Range` takes a strong tag that is equal; anything else means the whole. */
function rangeFor(c: RequestContext, size: number, etag: string) {
  const condition = c.req.header('If-Range');
  if (condition !== undefined && condition.trim() !== etag) return undefined;
  return parseRange(c.req.header('Range'), size);
}

const dispositionOf = ({ filename }: Part, { download }: How) =>
  contentDisposition(download ? 'attachment' : 'inline', filename);

function headersOf(part: Part, etag: string, how: How): Record<string, string> {
  return {
    'Content-Type': part.mimeType,
    'Content-Disposition': dispositionOf(part, how),
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': how.cacheControl,
    'Accept-Ranges': 'bytes',
    ...(how.varies ? { Vary: 'Authorization' } : {}),
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
