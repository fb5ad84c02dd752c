import { Problem } from '@tertulia/shared/http/problem';
import { type Ending, receive, release } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../request-context.ts';
import type { RunningHash } from './running-hashes.ts';
import type { LetGo } from './upload-locks.ts';
import { finish, lengthOf, type OpenUpload, writerFor } from './uploads.service.ts';

/** How far an upload has come. */
export type Progress = { offset: number; mediaId?: string };

/**
 * Stores the request's body at the upload's end, and finishes the upload when that completes it. However the
 * body ends, what came of it is safe in the store before anything is answered.
 *
 * @throws {Problem} `upload_locked`, `unavailable` when it had to let go of the body, and what finish throws
 */
export async function append(deps: Deps, c: RequestContext, open: OpenUpload): Promise<Progress> {
  const { upload, hold } = open;
  const { offset, ending, hash } = await store(deps, c, open);
  if (offset === lengthOf(upload)) {
    return { offset, mediaId: await finish(deps, upload, hash, c.var.traceparent) };
  }
  if (ending !== 'complete') throw interrupted(ending, hold.signal.reason);
  return { offset };
}

type Stored = { offset: number; ending: Ending; hash: RunningHash | undefined };

async function store(deps: Deps, c: RequestContext, { upload, offset, hold }: OpenUpload): Promise<Stored> {
  const { env, hashes } = deps;
  const hash = hashes.resume(upload.id, offset);
  if (offset === lengthOf(upload)) return { offset, ending: 'complete', hash };
  const writer = await writerFor(deps, upload, offset);
  let at = offset;
  let ending: Ending;
  try {
    ending = await receive(c, {
      stallSeconds: env.UPLOAD_STALL_SECONDS,
      signal: hold.signal,
      async take(part) {
        // MUST: the offset never passes the length; what is beyond is cut.
        const fitting = part.subarray(0, lengthOf(upload) - at);
        const writing = writer.write(fitting);
        // Hashed while the store writes.
        hash?.hasher.update(fitting);
        await writing;
        at += fitting.length;
        const cut = fitting.length < part.length;
        release(part);
        return cut;
      },
    });
  } catch (error) {
    // The error tells more than what closing may throw on top of it.
    await writer.close().catch(() => {});
    throw error;
  }
  const safe = await writer.close();
  // A store that can't say of all bytes that they are safe is asked for the offset again, and the file is read.
  if (hash !== undefined && safe === at) {
    hash.bytes = at;
    hashes.keep(upload.id, hash);
  }
  return { offset: safe, ending, hash };
}

/** All of these tell a client to ask for the offset and go on; the connection is of no more use. */
function interrupted(ending: Ending, reason: LetGo | undefined): Problem {
  const headers = { Connection: 'close', 'Retry-After': '1' };
  if (ending === 'stopped' && reason === 'shutdown') {
    return new Problem('unavailable', 'The server is stopping; what came is stored.', { headers });
  }
  const detail = ending === 'stopped' ? 'Another request took the upload over.' : 'The body ended early.';
  return new Problem('upload_locked', `${detail} What came is stored.`, { headers });
}
