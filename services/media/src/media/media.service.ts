import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import type { Removal } from '../files/removals.repository.ts';
import { carryOut } from '../files/removals.ts';
import { adoptBlob, releaseBlobs } from '../files/shared-blobs.ts';
import { isLiked } from '../likes/likes.repository.ts';
import { renditionKeysOf } from '../renditions/renditions.repository.ts';
import { free, settle } from '../usage/usage.service.ts';
import {
  deleteMediaRows,
  insertMedia,
  lockMedia,
  lockMediaOf,
  type NewMedia,
  updateMedia,
} from './media.repository.ts';
import type { MediaChange, MediaRow } from './media.schema.ts';
import { canDelete, canEdit, canSee } from './visibility.ts';

export type Trace = { traceparent: string | undefined };

/** Throws when the caller's condition does not hold for the row, and whether the caller likes it. */
export type Condition = (row: MediaRow, liked: boolean) => void;

/**
 * The one place where a media comes to be: row, usage and event together. `reserved` bytes were held for it by
 * `reserve`, and are not any more. Where its bytes are kept already the row's key is theirs, and the one that
 * was given is noted for removal.
 */
export async function addMedia(
  tx: Tx,
  { env }: Pick<Deps, 'env'>,
  fields: Omit<NewMedia, 'id'> & { reserved: number },
  trace: Trace,
): Promise<MediaRow> {
  const { reserved, ...values } = fields;
  const { ownerId, kind, mimeType, size, sha256 } = values;
  await settle(tx, env, { userId: ownerId, reserved, size }, trace);
  const blobKey = await adoptBlob(tx, { sha256, key: values.blobKey, size });
  const row = await insertMedia(tx, { id: Bun.randomUUIDv7(), ...values, blobKey });
  await announce(tx, {
    type: 'media.uploaded',
    actorId: row.ownerId,
    data: { ...subjectOf(row), kind, mimeType, size, sha256 },
    ...trace,
  });
  return row;
}

/** @throws {Problem} `not_found`, `forbidden` */
export async function changeMedia(
  { db }: Deps,
  caller: Caller,
  id: string,
  change: MediaChange,
  holds: Condition,
  trace: Trace,
): Promise<{ row: MediaRow; liked: boolean }> {
  return db.transaction(async (tx) => {
    const row = await lockSeen(tx, caller, id);
    if (!canEdit(caller, row)) throw new Problem('forbidden', 'Only its owner may change it.');
    const liked = await isLiked(tx, caller, id);
    holds(row, liked);
    if (Object.keys(change).length === 0) return { row, liked };
    const changed = await updateMedia(tx, id, change);
    await announce(tx, {
      type: 'media.updated',
      actorId: caller.userId,
      data: subjectOf(changed),
      ...trace,
    });
    return { row: changed, liked };
  });
}

/**
 * Puts a media into the trash, or removes it for good: `permanently`, from the trash, too, and where no trash is
 * kept. Its blob goes after the commit, or with a later sweep.
 *
 * @throws {Problem} `not_found`, `forbidden`
 */
export async function deleteMedia(
  deps: Deps,
  caller: Caller,
  id: string,
  permanently: boolean,
  holds: Condition,
  trace: Trace,
): Promise<void> {
  const files = await deps.db.transaction(async (tx) => {
    const row = await lockMedia(tx, id);
    if (row === undefined) throw new Problem('not_found');
    const trashed = row.deletedAt !== null;
    if (trashed ? !permanently || !canDelete(caller, row) : !canSee(caller, row))
      throw new Problem('not_found');
    if (!canDelete(caller, row))
      throw new Problem('forbidden', 'Only its owner or a moderator may delete it.');
    holds(row, await isLiked(tx, caller, id));
    if (permanently || deps.env.TRASH_DAYS === 0) return removeLocked(tx, [row], caller.userId, trace);
    await trashLocked(tx, row, caller.userId, { moderated: false }, trace);
    return [];
  });
  await carryOut(deps, files);
}

/** Into the trash, whence it can come back. */
export async function trashLocked(
  tx: Tx,
  row: MediaRow,
  actorId: string,
  { moderated }: { moderated: boolean },
  trace: Trace,
): Promise<MediaRow> {
  const trashed = await updateMedia(tx, row.id, { deletedAt: new Date(), deletedBy: actorId });
  const data = { ...subjectOf(row), final: false, moderated };
  await announce(tx, { type: 'media.deleted', actorId, data, ...trace });
  return trashed;
}

/**
 * Removes media of a user who has gone, as that user would have done. Returns how many there were, at most
 * `limit`.
 */
export async function removeMediaOf(deps: Deps, ownerId: string, limit: number): Promise<number> {
  const { files, count } = await deps.db.transaction(async (tx) => {
    const rows = await lockMediaOf(tx, ownerId, limit);
    if (rows.length === 0) return { files: [], count: 0 };
    const files = await removeLocked(tx, rows, ownerId, { traceparent: undefined });
    return { files, count: rows.length };
  });
  await carryOut(deps, files);
  return count;
}

/**
 * The one place where a media ends. Rows, usage and events go together; the files are noted, for who carries it
 * out after the commit.
 */
export async function removeLocked(
  tx: Tx,
  rows: MediaRow[],
  actorId: string | null,
  trace: Trace,
): Promise<Removal[]> {
  const ids = rows.map(({ id }) => id);
  const keys = [...rows.map(({ blobKey }) => blobKey), ...(await renditionKeysOf(tx, ids))];
  await deleteMediaRows(tx, ids);
  await free(tx, rows);
  const files = await releaseBlobs(tx, keys);
  await announce(
    tx,
    ...rows.map((row) => ({
      type: 'media.deleted' as const,
      actorId,
      data: { ...subjectOf(row), final: true, trashed: row.deletedAt !== null },
      ...trace,
    })),
  );
  return files;
}

/** @throws {Problem} `not_found` */
export async function lockSeen(tx: Tx, caller: Caller, id: string): Promise<MediaRow> {
  const row = await lockMedia(tx, id);
  if (row === undefined || !canSee(caller, row)) throw new Problem('not_found');
  return row;
}

/** What events tell of a media. */
export function subjectOf({ id, ownerId, ownerUsername, title, visibility }: MediaRow) {
  return { mediaId: id, ownerId, ownerUsername, title, visibility };
}
