import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../../deps.ts';
import type { MediaEnv } from '../../env.ts';
import { mediaSchema, toMedia } from '../../media/media.schema.ts';
import type { CallerContext } from '../../request-context.ts';
import type { Stored } from '../append.ts';
import { conclude } from '../conclude.ts';
import { noteLength } from '../upload-length.ts';
import type { UploadRow } from '../uploads.repository.ts';
import { discard } from '../uploads.service.ts';
import { inconsistent, limitOf } from './draft.ts';

/** What the draft's last request gets, for OpenAPI. */
export const draftAnswers = { 'application/json': { schema: mediaSchema } };

/** Headers for what is not complete yet. */
export function answerProgress(c: CallerContext, env: MediaEnv, { offset, upload }: Progress): void {
  c.header('Upload-Offset', String(offset));
  // MUST: an answer to what does not complete the upload says so.
  c.header('Upload-Complete', '?0');
  c.header('Upload-Limit', limitOf(env, upload));
}

type Progress = { offset: number; upload: UploadRow };

/**
 * The client has said that these are all bytes, and gets the answer that a form with the file would get.
 *
 * @throws {Problem} `inconsistent_upload_length`, `unsupported_media_type` for none, and what finishing throws
 */
export async function conclusion(deps: Deps, c: CallerContext, { offset, upload, hash }: Stored) {
  // MUST: lengths that were told match; then the client is wrong about the end, and may go on.
  if (upload.length !== null && upload.length !== offset) throw inconsistent();
  // MUST: in every answer that comes of the whole, errors too.
  c.header('Upload-Complete', '?1');
  c.header('Upload-Offset', String(offset));
  if (offset === 0) {
    await discard(deps, upload);
    throw new Problem('unsupported_media_type', 'An empty file is no media.');
  }
  const whole = await noteLength(deps, upload, offset, true);
  const { mediaId } = await conclude(deps, whole, offset, hash, c.var.traceparent);
  const row = mediaId === undefined ? undefined : await deps.findMedia(mediaId);
  if (row === undefined) throw new Problem('not_found');
  const media = toMedia(row, c.var.caller);
  c.header('Media-Id', media.id);
  c.header('Location', media.links.self);
  return c.json(media, 201);
}
