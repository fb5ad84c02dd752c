import type { Tx } from '@tertulia/shared/db/database';
import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import type { Removal } from '../files/removals.repository.ts';
import { reserve } from '../usage/usage.service.ts';
import { expiryFrom, hasExpired } from './expiry.ts';
import { deleteUploads, findFinal, handOver, lockPartials, partialsOf } from './finals.repository.ts';
import { insertUpload, type NewUpload, type UploadRow } from './uploads.repository.ts';

/** Stores are asked for so many sizes at once. */
const AT_ONCE = 16;

/**
 * Makes the final upload of an owner's own complete parts; its bytes are joined afterwards. Asked for again, as
 * by who lost the answer, it is the same one.
 *
 * @throws {Problem} `malformed_request` for parts that are none, not one's own or not complete,
 *   `upload_too_large`
 */
export async function insertFinal(
  deps: Deps,
  upload: Omit<NewUpload, 'length'> & { parts: string[] },
): Promise<UploadRow> {
  const { db, env } = deps;
  const { ownerId, parts } = upload;
  const isComplete = await areComplete(deps, await partialsOf(db, ownerId, parts), parts.length);
  return db.transaction(async (tx) => {
    // None of their bytes can have changed since, but a part may be gone: so it is once a whole is finished.
    const partials = await lockPartials(tx, ownerId, parts);
    const existing = await findFinal(tx, ownerId, parts);
    if (existing !== undefined && existing.metadata === (upload.metadata ?? null)) return existing;
    if (!isComplete || partials.length < parts.length) {
      throw new Problem(
        'malformed_request',
        'Upload-Concat names what is no complete partial upload of yours.',
      );
    }
    // MUST: the length is the sum of the parts' lengths.
    const length = partials.reduce((sum, part) => sum + (part.length ?? 0), 0);
    if (length > env.MEDIA_MAX_SIZE) {
      throw new Problem('upload_too_large', `Files are at most ${env.MEDIA_MAX_SIZE} bytes.`);
    }
    const held = partials.reduce((sum, { reserved }) => sum + reserved, 0);
    // Parts that another final upload has taken over hold nothing any more.
    if (length > held) await reserve(tx, env, ownerId, length - held);
    const expiresAt = expiryFrom(env);
    await handOver(tx, parts, expiresAt);
    return insertUpload(tx, { ...upload, length, reserved: Math.max(length, held), expiresAt });
  });
}

async function areComplete({ uploads }: Deps, partials: UploadRow[], wanted: number): Promise<boolean> {
  if (partials.length < wanted) return false;
  for (let at = 0; at < partials.length; at += AT_ONCE) {
    const some = partials.slice(at, at + AT_ONCE);
    const whole = await Promise.all(
      some.map(async (part) => !hasExpired(part) && (await uploads.size(part)) === part.length),
    );
    if (whole.includes(false)) return false;
  }
  return true;
}

/**
 * Gives a final upload the bytes of its parts, in order. May be repeated.
 *
 * @returns false when a part is gone: then nothing becomes of it
 */
export async function joinParts({ db, uploads }: Deps, final: UploadRow): Promise<boolean> {
  const ids = final.parts ?? [];
  const partials = new Map((await partialsOf(db, final.ownerId, ids)).map((part) => [part.id, part]));
  // MUST: concatenated in the order of the list.
  const parts = ids.flatMap((id) => partials.get(id) ?? []);
  if (parts.length < ids.length) return false;
  try {
    for (const part of parts) await uploads.complete(part);
    return (await uploads.join(final, parts)) === final.length;
  } catch (error) {
    const left = await partialsOf(db, final.ownerId, ids);
    if (left.length < ids.length) return false;
    throw error;
  }
}

/** Parts go with the whole. Returns their files, for who removes them after the commit. */
export async function dropParts(tx: Tx, { uploads }: Deps, final: UploadRow): Promise<Removal[]> {
  if (final.concat !== 'final' || final.parts === null) return [];
  const parts = await lockPartials(tx, final.ownerId, final.parts);
  await deleteUploads(
    tx,
    parts.map(({ id }) => id),
  );
  return parts.flatMap((part): Removal[] => [
    { place: 'upload', key: uploads.nameOf(part) },
    // Where a store puts what is complete.
    { place: 'blob', key: part.blobKey },
  ]);
}
