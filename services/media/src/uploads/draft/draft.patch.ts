import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../../deps.ts';
import type { CallerContext } from '../../request-context.ts';
import { interrupted, storeBody } from '../append.ts';
import { isWhole } from '../conclude.ts';
import { renew } from '../expiry.ts';
import { checkLength, endOf, noteLength } from '../upload-length.ts';
import { discard, type OpenUpload, withUpload } from '../uploads.service.ts';
import { answerProgress, conclusion } from './draft.answers.ts';
import {
  bodyLength,
  booleanHeader,
  contentType,
  inconsistent,
  integerItem,
  limitOf,
  PARTIAL_UPLOAD,
} from './draft.ts';

export function patchDraft(deps: Deps, c: CallerContext, id: string) {
  if (contentType(c) !== PARTIAL_UPLOAD) {
    throw new Problem('unsupported_media_type', `Send Content-Type: ${PARTIAL_UPLOAD}.`);
  }
  const at = integerItem(c, 'Upload-Offset');
  const isLast = booleanHeader(c, 'Upload-Complete');
  if (at === undefined || isLast === undefined) {
    throw new Problem('malformed_request', 'Upload-Offset is an integer, and Upload-Complete ?0 or ?1.');
  }
  return withUpload(deps, c.var.caller, id, async (open) => {
    c.header('Upload-Limit', limitOf(deps.env, open.upload));
    expectOpen(c, open, at);
    const upload = await lengthTold(deps, c, open, isLast);
    const stored = await storeBody(deps, c, { ...open, upload });
    if (stored.ending === 'enough') {
      // MUST: what exceeds the length makes the upload invalid.
      await discard(deps, upload);
      throw upload.length === null ? new Problem('upload_too_large') : inconsistent();
    }
    if (stored.ending !== 'complete') throw interrupted(stored.ending, open.hold.signal.reason);
    // An upload that tus has made is complete with its last byte.
    if (isLast || isWhole(stored.upload, stored.offset)) return conclusion(deps, c, stored);
    answerProgress(c, deps.env, {
      offset: stored.offset,
      upload: { ...upload, expiresAt: await renew(deps, upload) },
    });
    return c.body(null, 204);
  });
}

function expectOpen(c: CallerContext, { upload, offset }: OpenUpload, at: number): void {
  if (upload.concat !== null) throw new Problem('forbidden', 'Parts are sent by tus.');
  // MUST: 409 with the offset.
  if (at !== offset) {
    throw new Problem('mismatching_upload_offset', `The upload is at ${offset}.`, {
      headers: { 'Upload-Offset': String(offset) },
      members: { 'expected-offset': offset, 'provided-offset': at },
    });
  }
  // MUST: what is complete is not changed.
  if (!isWhole(upload, offset)) return;
  if (bodyLength(c) !== 0) throw inconsistent();
  throw new Problem('completed_upload');
}

/** Notes the length that the request tells, in one way or two. */
async function lengthTold(deps: Deps, c: CallerContext, { upload, offset }: OpenUpload, isLast: boolean) {
  const body = bodyLength(c);
  const told = integerItem(c, 'Upload-Length');
  const atEnd = isLast && body !== undefined ? offset + body : undefined;
  const lengths = [upload.length ?? undefined, told, atEnd].filter((length) => length !== undefined);
  const [length] = lengths;
  // MUST: however often it is told, it is the same.
  if (lengths.some((other) => other !== length)) throw inconsistent();
  if (length !== undefined && (length < offset || length - offset < (body ?? 0))) throw inconsistent();
  if (length === undefined) {
    if ((body ?? 0) > endOf(upload, deps.env) - offset) throw new Problem('upload_too_large');
    return upload;
  }
  checkLength(deps.env, upload, offset, length);
  return noteLength(deps, upload, length);
}
