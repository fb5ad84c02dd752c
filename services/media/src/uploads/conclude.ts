import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import { joinParts } from './finals.ts';
import type { RunningHash } from './running-hashes.ts';
import type { UploadRow } from './uploads.repository.ts';
import { discard, finish } from './uploads.service.ts';

/** True when all bytes are there, and the client has said, in one way or the other, that these are all. */
export const isWhole = ({ byMark, length, sha256 }: UploadRow, offset: number) =>
  sha256 !== null || (!byMark && offset === length);

type Concluded = { offset: number; mediaId?: string };

/**
 * Does what is left to do for an upload at `offset`: parts are joined, what is whole becomes its media. A part
 * itself becomes none, nor does an upload of no bytes: such a one is merely complete, until it expires.
 *
 * @throws {Problem} `malformed_request` when a part of it is gone, and what finish throws
 */
export async function conclude(
  deps: Deps,
  upload: UploadRow,
  offset: number,
  hash: RunningHash | undefined,
  traceparent: string | undefined,
): Promise<Concluded> {
  const at = upload.concat === 'final' ? await joined(deps, upload, offset) : offset;
  if (!isWhole(upload, at) || upload.concat === 'partial' || upload.length === 0) return { offset: at };
  return { offset: at, mediaId: await finish(deps, upload, hash, traceparent) };
}

async function joined(deps: Deps, final: UploadRow, offset: number): Promise<number> {
  if (isWhole(final, offset)) return offset;
  if (await joinParts(deps, final)) return final.length ?? 0;
  await discard(deps, final);
  throw new Problem('malformed_request', 'A part of the upload is gone, and so is the upload.');
}
