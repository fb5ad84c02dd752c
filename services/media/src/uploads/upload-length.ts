import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import type { MediaEnv } from '../env.ts';
import { release, reserve } from '../usage/usage.service.ts';
import { lockUpload, type UploadRow, updateUpload } from './uploads.repository.ts';

/** More is held at once than a part needs, so that not every part costs a transaction. */
const STEP_BYTES = 16 * 1024 * 1024;

/** Where an upload's bytes end: at its length, and while that is deferred at what is taken at all. */
export const endOf = ({ length }: Pick<UploadRow, 'length'>, env: Pick<MediaEnv, 'MEDIA_MAX_SIZE'>) =>
  length ?? env.MEDIA_MAX_SIZE;

/**
 * Says whether a length may be told now.
 *
 * @throws {Problem} `malformed_request`, `upload_too_large`
 */
export function checkLength(env: MediaEnv, upload: UploadRow, offset: number, length: number): void {
  // MUST: once set, the length is not changed. Told again, as by who lost the answer, it is no change.
  if (upload.length !== null && upload.length !== length) {
    throw new Problem('malformed_request', `The length is ${upload.length} and stays so.`);
  }
  if (length < offset) throw new Problem('malformed_request', `There are ${offset} bytes already.`);
  // MUST: longer than Tus-Max-Size is 413.
  if (length > env.MEDIA_MAX_SIZE) {
    throw new Problem('upload_too_large', `Files are at most ${env.MEDIA_MAX_SIZE} bytes.`);
  }
}

/**
 * Notes a deferred length, or that the bytes that are there are all; from then on just so much is reserved.
 *
 * @throws {Problem} `quota_exceeded`, `not_found`
 */
export async function noteLength({ db, env }: Deps, upload: UploadRow, length: number, isMark = false) {
  if (upload.length === length && !isMark) return upload;
  return db.transaction(async (tx) => {
    const current = await lockUpload(tx, upload.id);
    if (current === undefined) throw new Problem('not_found');
    const { ownerId, reserved } = current;
    if (length > reserved) await reserve(tx, env, ownerId, length - reserved);
    else await release(tx, ownerId, reserved - length);
    return updateUpload(tx, upload.id, { length, reserved: length, ...(isMark ? { byMark: false } : {}) });
  });
}

/**
 * Holds room for bytes up to `end` of an upload whose length nobody knows yet: as they come, as the quota is
 * asked for at the first byte over it. Returns how much is held.
 *
 * @throws {Problem} `quota_exceeded`, `not_found`
 */
export async function holdRoom(deps: Deps, upload: UploadRow, held: number, end: number): Promise<number> {
  if (end <= held) return held;
  const ample = Math.min(Math.max(end, held + STEP_BYTES), deps.env.MEDIA_MAX_SIZE);
  const hold = (upTo: number) =>
    deps.db.transaction(async (tx) => {
      const current = await lockUpload(tx, upload.id);
      if (current === undefined) throw new Problem('not_found');
      await reserve(tx, deps.env, current.ownerId, upTo - current.reserved);
      await updateUpload(tx, upload.id, { reserved: upTo });
      return upTo;
    });
  try {
    return await hold(ample);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'quota_exceeded' || ample === end) throw error;
    return hold(end);
  }
}
