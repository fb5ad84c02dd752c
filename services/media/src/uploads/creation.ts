import { Problem } from '@tertulia/shared/http/problem';
import type { RequestContext } from '../request-context.ts';
import { hasOffsetOctets, integerHeader } from './tus.ts';
import { type Checksum, parseChecksum } from './upload-checksum.ts';
import { type Concat, parseConcat } from './upload-concat.ts';

export type Creation = {
  /** Null when it is deferred, or the sum of parts. */
  length: number | null;
  concat: Concat | undefined;
  withBody: boolean;
  checksum: Checksum | undefined;
};

/** What tus's POST asks for. @throws {Problem} `malformed_request`, `upload_too_large`, `unsupported_media_type` */
export function readCreation(c: RequestContext, maxSize: number): Creation {
  const concat = parseConcat(c.req.header('Upload-Concat'));
  const length = readLength(c, concat);
  // MUST: longer than Tus-Max-Size is 413.
  if (length !== null && length > maxSize) {
    throw new Problem('upload_too_large', `Files are at most ${maxSize} bytes.`);
  }
  const bodyLength = Number(c.req.header('Content-Length') ?? 0);
  const hasBody = bodyLength > 0 || c.req.header('Transfer-Encoding') !== undefined;
  const withBody = hasOffsetOctets(c);
  if (concat?.kind === 'final') {
    if (hasBody)
      throw new Problem('malformed_request', 'The bytes of a final upload are those of its parts.');
    return { length, concat, withBody: false, checksum: undefined };
  }
  // creation-with-upload, MUST: the body's type is application/offset+octet-stream.
  if (hasBody && !withBody)
    throw new Problem('unsupported_media_type', 'A body is upload data, or is not there.');
  if (bodyLength > (length ?? maxSize)) {
    throw new Problem('upload_too_large', 'The body is longer than the upload may be.');
  }
  return { length, concat, withBody, checksum: parseChecksum(c.req.header('Upload-Checksum')) };
}

function readLength(c: RequestContext, concat: Concat | undefined): number | null {
  const deferred = c.req.header('Upload-Defer-Length');
  const isTold = c.req.header('Upload-Length') !== undefined;
  if (concat?.kind === 'final') {
    // MUST NOT: Upload-Length with a final upload, whose length is the sum of its parts.
    if (isTold || deferred !== undefined) {
      throw new Problem('malformed_request', 'The length of a final upload is that of its parts.');
    }
    return null;
  }
  if (deferred === undefined) return integerHeader(c, 'Upload-Length');
  // MUST: any other value than 1 is 400, and so are both headers at once, as the length is known or is not.
  if (deferred !== '1') throw new Problem('malformed_request', 'Upload-Defer-Length is 1, or is not there.');
  if (isTold) throw new Problem('malformed_request', 'A length is told, or deferred, not both.');
  return null;
}
