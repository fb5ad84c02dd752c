import { announce } from '@tertulia/shared/events/announce';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem, type ProblemCode } from '@tertulia/shared/http/problem';
import type { ByteSource } from '@tertulia/shared/storage/byte-source';
import type { UploadWriter } from '@tertulia/shared/storage/upload-store';
import type { Deps } from '../deps.ts';
import { noteRemovals, type Removal } from '../files/removals.repository.ts';
import { carryOut } from '../files/removals.ts';
import { type Inspected, inspect, limitsOf } from '../inspection/inspect.ts';
import { addMedia } from '../media/media.service.ts';
import { release } from '../usage/usage.service.ts';
import { hasExpired } from './expiry.ts';
import { dropParts } from './finals.ts';
import { digestOf, type RunningHash, sha256Of } from './running-hashes.ts';
import type { Hold } from './upload-locks.ts';
import { parseMetadata } from './upload-metadata.ts';
import {
  deleteUpload,
  linkMedia,
  lockUpload,
  noteStoreRef,
  type Seal,
  sealUpload,
  type UploadRow,
  uploadsOf,
} from './uploads.repository.ts';

/** An upload that this request alone works on, and the bytes it has. */
export type OpenUpload = { upload: UploadRow; offset: number; hold: Hold };

/**
 * Runs `work` on the caller's own upload while nobody else does.
 *
 * @throws {Problem} `not_found` for another's upload, too, `upload_gone` for one that has expired
 */
export async function withUpload<Result>(
  deps: Deps,
  caller: Caller,
  id: string,
  work: (open: OpenUpload) => Promise<Result>,
): Promise<Result> {
  const find = async () => {
    const upload = await deps.findUpload(id, caller.userId);
    if (upload === undefined) throw new Problem('not_found');
    if (hasExpired(upload)) throw new Problem('upload_gone', 'It was left alone for too long.');
    return upload;
  };
  // Before the lock too: strangers must not make the owner's request let go.
  const known = await find();
  const hold = await deps.locks.acquire(known.id);
  try {
    const upload = await find();
    return await work({ upload, offset: await storedBytes(deps, upload), hold });
  } finally {
    hold.release();
  }
}

/** Bytes of the whole file; while the client has not told it, more than any file has. */
export const lengthOf = ({ length }: UploadRow) => length ?? Number.POSITIVE_INFINITY;

/** The store is the truth: an offset is never more than the bytes that are there. */
async function storedBytes({ uploads }: Deps, upload: UploadRow): Promise<number> {
  return upload.sha256 === null ? uploads.size(upload) : lengthOf(upload);
}

/**
 * Where the next bytes go. What the store calls the upload is noted when it is new: in the row, and in `upload`,
 * which the rest of the request goes on with.
 */
export async function writerFor(
  { db, uploads }: Deps,
  upload: UploadRow,
  offset: number,
  options?: { tentative?: boolean },
): Promise<UploadWriter> {
  const storeRef = await uploads.begin(upload);
  if (storeRef !== upload.storeRef) {
    await noteStoreRef(db, upload.id, storeRef);
    upload.storeRef = storeRef;
  }
  return uploads.append(upload, offset, options);
}

/**
 * Turns a complete upload into its media, and returns the media's id. Every step may be repeated, so this goes
 * on wherever a killed process left off: seal, put the blob, then row, event and link in one transaction.
 *
 * @throws {Problem} `unsupported_media_type`, `unprocessable_media`: then nothing is left of it
 */
export async function finish(
  deps: Deps,
  upload: UploadRow,
  hash: RunningHash | undefined,
  traceparent: string | undefined,
): Promise<string> {
  if (upload.mediaId !== null) return upload.mediaId;
  const seal = await sealFile(deps, upload, hash);
  await deps.uploads.publish(upload);
  const files: Removal[] = [];
  const mediaId = await deps.db.transaction(async (tx) => {
    const current = await lockUpload(tx, upload.id);
    if (current === undefined) throw new Problem('not_found');
    if (current.mediaId !== null) return current.mediaId;
    const { ownerId, ownerUsername, filename, title, description, tags, visibility, blobKey } = current;
    const length = lengthOf(current);
    const row = await addMedia(
      tx,
      deps,
      {
        reserved: current.reserved,
        ...{ ownerId, ownerUsername, filename, title, description, tags, visibility, blobKey },
        ...seal,
        keepMetadata: keepsMetadata(current),
        size: length,
      },
      { traceparent },
    );
    await linkMedia(tx, upload.id, row.id);
    if (row.blobKey !== blobKey) files.push({ place: 'blob', key: blobKey });
    files.push(...(await dropParts(tx, deps, current)));
    await noteRemovals(tx, files);
    return row.id;
  });
  deps.hashes.forget(upload.id);
  await carryOut(deps, files);
  return mediaId;
}

/** Looks at the bytes, again where a killed process has done so, and notes what they are. */
async function sealFile(
  deps: Deps,
  upload: UploadRow,
  hash: RunningHash | undefined,
): Promise<Inspected & Seal> {
  const file = await completed(deps, upload);
  const inspected = await inspect(file, limitsOf(deps.env)).catch(async (error) => {
    if (error instanceof Problem && error.status < 500) await discard(deps, upload, error.code);
    throw error;
  });
  if (upload.sha256 !== null) return { ...inspected, sha256: upload.sha256 };
  const sha256 = hash?.bytes === upload.length ? digestOf(hash) : await sha256Of(file);
  await sealUpload(deps.db, upload.id, { ...inspected, sha256 });
  return { ...inspected, sha256 };
}

/** An upload's row holds it with the rest of its metadata, as the client wrote them. */
const keepsMetadata = ({ metadata }: UploadRow) =>
  parseMetadata(metadata ?? undefined).keepMetadata === 'true';

async function completed({ hashes, uploads }: Deps, upload: UploadRow): Promise<ByteSource> {
  try {
    if (upload.sha256 === null) await uploads.complete(upload);
  } catch (error) {
    hashes.forget(upload.id);
    throw error;
  }
  const file = await uploads.read(upload);
  if (file === undefined) throw new Error('the bytes of a complete upload are gone');
  return file;
}

/** Why an upload comes to nothing though its owner wanted otherwise: a problem's code, or `expired`. */
export type Failure = ProblemCode | 'expired';

/**
 * Forgets an upload and its bytes, and with a final one its parts; a media that it became stays. A failure is
 * told to the owner, save of a part, which stands for no file.
 *
 * @returns false when it is gone already, or `holds` says that it must stay
 */
export async function discard(
  deps: Deps,
  upload: UploadRow,
  failure?: Failure,
  holds: (current: UploadRow) => boolean = () => true,
): Promise<boolean> {
  const files: Removal[] = [{ place: 'upload', key: deps.uploads.nameOf(upload) }];
  const isGone = await deps.db.transaction(async (tx) => {
    const current = await lockUpload(tx, upload.id);
    if (current === undefined || !holds(current)) return false;
    if (current.mediaId === null) {
      files.push({ place: 'blob', key: current.blobKey });
      await release(tx, current.ownerId, current.reserved);
      files.push(...(await dropParts(tx, deps, current)));
    }
    await noteRemovals(tx, files);
    await deleteUpload(tx, upload.id);
    if (failure !== undefined && current.concat !== 'partial') {
      const { id, ownerId, filename } = current;
      const data = { uploadId: id, ownerId, filename, reason: failure };
      await announce(tx, { type: 'upload.failed', actorId: null, data });
    }
    return true;
  });
  if (!isGone) return false;
  deps.hashes.forget(upload.id);
  await carryOut(deps, files);
  return true;
}

/**
 * Forgets uploads of a user who has gone, those under way too. Returns how many there were, at most `limit`.
 *
 * @throws {Problem} `upload_locked` when one is being finished: it can be tried again.
 */
export async function discardUploadsOf(deps: Deps, ownerId: string, limit: number): Promise<number> {
  const found = await uploadsOf(deps.db, ownerId, limit);
  for (const upload of found) {
    const hold = await deps.locks.acquire(upload.id);
    try {
      await discard(deps, upload);
    } finally {
      hold.release();
    }
  }
  return found.length;
}
