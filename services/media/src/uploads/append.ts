import { Problem } from '@tertulia/shared/http/problem';
import { type Ending, receive, release } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../request-context.ts';
import { conclude, isWhole } from './conclude.ts';
import { copyOf, type RunningHash } from './running-hashes.ts';
import { type Checksum, hashFor } from './upload-checksum.ts';
import { endOf, holdRoom, noteLength } from './upload-length.ts';
import type { LetGo } from './upload-locks.ts';
import type { UploadRow } from './uploads.repository.ts';
import { type OpenUpload, writerFor } from './uploads.service.ts';

/** How far an upload has come. */
export type Progress = { offset: number; mediaId?: string };

/** What goes with a body. */
export type Terms = {
  /** What it must hash to: otherwise nothing of it stays. */
  checksum?: Checksum | undefined;
  /** A length that was deferred, and has been checked. */
  length?: number | undefined;
};

/**
 * Stores the request's body at the upload's end, and finishes the upload when that completes it. However the
 * body ends, what came of it is safe in the store before anything is answered.
 *
 * @throws {Problem} `upload_locked`, `unavailable` when it had to let go of the body, `checksum_mismatch`,
 *   `upload_too_large` and `quota_exceeded` where the length was open, and what finish throws
 */
export async function append(
  deps: Deps,
  c: RequestContext,
  open: OpenUpload,
  terms: Terms = {},
): Promise<Progress> {
  const { upload, offset, ending, hash } = await storeBody(deps, c, open, terms);
  const progress = await conclude(deps, upload, offset, hash, c.var.traceparent);
  if (isWhole(upload, offset)) return progress;
  if (ending === 'enough') throw new Problem('upload_too_large', `No file is larger than ${offset} bytes.`);
  if (ending !== 'complete') throw interrupted(ending, open.hold.signal.reason);
  return progress;
}

/** The upload as it is now, with its length if that was told, and how its body ended. */
export type Stored = { upload: UploadRow; offset: number; ending: Ending; hash: RunningHash | undefined };

/** Stores the request's body at the upload's end, for who finishes it by other rules. Throws as append does. */
export async function storeBody(
  deps: Deps,
  c: RequestContext,
  open: OpenUpload,
  { checksum, length }: Terms = {},
): Promise<Stored> {
  // What a checksum does not bear out changes nothing, nor is the length noted then.
  const isTentative = checksum !== undefined;
  const told = () => (length === undefined ? open.upload : noteLength(deps, open.upload, length));
  const upload = isTentative ? open.upload : await told();
  const { offset, hold } = open;
  const { env, hashes } = deps;
  const end = length ?? endOf(upload, env);
  const hash = hashes.resume(upload.id, offset);
  const check = checksum && hashFor(checksum);
  if (offset === end) {
    if (check?.matches() === false) throw mismatch();
    return { upload: await told(), offset, ending: 'complete', hash };
  }
  const before = isTentative ? copyOf(hash) : undefined;
  const writer = await writerFor(deps, upload, offset, { tentative: isTentative });
  let at = offset;
  let held = upload.length === null && length === undefined ? upload.reserved : end;
  let ending: Ending;
  try {
    ending = await receive(c, {
      stallSeconds: env.UPLOAD_STALL_SECONDS,
      signal: hold.signal,
      async take(part) {
        // MUST: the offset never passes the length; what is beyond is cut.
        const fitting = part.subarray(0, end - at);
        if (at + fitting.length > held) held = await holdRoom(deps, upload, held, at + fitting.length);
        const writing = writer.write(fitting);
        // Hashed while the store writes.
        hash?.hasher.update(fitting);
        check?.update(fitting);
        await writing;
        at += fitting.length;
        const cut = fitting.length < part.length;
        release(part);
        return cut;
      },
    });
    if (check !== undefined) {
      // MUST: a body that does not hash to its checksum is discarded; what did not come whole can't be told.
      if (ending === 'enough') throw new Problem('upload_too_large', 'The body is longer than what is left.');
      if (ending !== 'complete') throw interrupted(ending, hold.signal.reason, 'Nothing of it is stored.');
      if (!check.matches()) throw mismatch();
      await told();
    }
  } catch (error) {
    if (before !== undefined) hashes.keep(upload.id, before);
    // The error tells more than what closing may throw on top of it.
    await (isTentative ? writer.drop() : writer.close()).catch(() => {});
    throw error;
  }
  const safe = await writer.close();
  // A store that can't say of all bytes that they are safe is asked for the offset again, and the file is read.
  if (hash !== undefined && safe === at) {
    hash.bytes = at;
    hashes.keep(upload.id, hash);
  }
  return { upload: isTentative ? await told() : upload, offset: safe, ending, hash };
}

const mismatch = () => new Problem('checksum_mismatch', 'Nothing of it is stored. Send it again.');

/** All of these tell a client to ask for the offset and go on; the connection is of no more use. */
export function interrupted(
  ending: Ending,
  reason: LetGo | undefined,
  stored = 'What came is stored.',
): Problem {
  const headers = { Connection: 'close', 'Retry-After': '1' };
  if (ending === 'stopped' && reason === 'shutdown') {
    return new Problem('unavailable', `The server is stopping. ${stored}`, { headers });
  }
  const detail = ending === 'stopped' ? 'Another request took the upload over.' : 'The body ended early.';
  return new Problem('upload_locked', `${detail} ${stored}`, { headers });
}
