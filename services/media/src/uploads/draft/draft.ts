import { Problem } from '@tertulia/shared/http/problem';
import type { MediaEnv } from '../../env.ts';
import type { RequestContext } from '../../request-context.ts';
import type { UploadRow } from '../uploads.repository.ts';

/*
 * "Resumable Uploads for HTTP", draft-ietf-httpbis-resumable-upload-12 (interop version 8), on the same paths
 * and uploads as tus, as far as it goes without interim answers: Bun sends none, so there is no 104. Clients
 * make the upload by `Upload-Complete: ?0` first, which the draft calls careful creation, or send all at once.
 */

export const PARTIAL_UPLOAD = 'application/partial-upload';
/** Sent by every client of a draft, and by no tus client. */
const INTEROP = 'Upload-Draft-Interop-Version';

/** True for a request of the draft: HEAD and DELETE have nothing but the interop version to tell it by. */
export const isDraft = (c: Pick<RequestContext, 'req'>) =>
  c.req.header('Tus-Resumable') === undefined &&
  (c.req.header(INTEROP) !== undefined || booleanHeader(c, 'Upload-Complete') !== undefined);

/** RFC 9651. MUST: other values than a Boolean make the header count as absent. */
export function booleanHeader(c: Pick<RequestContext, 'req'>, name: string): boolean | undefined {
  const match = /^\?([01])(?:\s*;.*)?$/.exec(c.req.header(name) ?? '');
  return match === null ? undefined : match[1] === '1';
}

/** RFC 9651. MUST: other values than a non-negative Integer make the header count as absent. */
export function integerItem(c: Pick<RequestContext, 'req'>, name: string): number | undefined {
  const match = /^(\d{1,15})(?:\s*;.*)?$/.exec(c.req.header(name) ?? '');
  return match === null ? undefined : Number(match[1]);
}

export function contentType(c: Pick<RequestContext, 'req'>): string | undefined {
  return c.req.header('Content-Type')?.split(';', 1)[0]?.trim().toLowerCase();
}

/** What applies to an upload, or to any. Nothing is smaller than a byte, as an empty file is no media. */
export function limitOf(
  { MEDIA_MAX_SIZE }: Pick<MediaEnv, 'MEDIA_MAX_SIZE'>,
  upload?: Pick<UploadRow, 'expiresAt'>,
) {
  const limits = `max-size=${MEDIA_MAX_SIZE}, min-size=1`;
  const expiresAt = upload?.expiresAt ?? null;
  if (expiresAt === null) return limits;
  return `${limits}, max-age=${Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1000))}`;
}

/** Bytes of the request's body; undefined when it does not tell. */
export function bodyLength(c: Pick<RequestContext, 'req'>): number | undefined {
  if (c.req.header('Transfer-Encoding') !== undefined) return undefined;
  const length = c.req.header('Content-Length');
  if (length !== undefined) return Number(length);
  return c.req.raw.body === null ? 0 : undefined;
}

export const inconsistent = () => new Problem('inconsistent_upload_length');
