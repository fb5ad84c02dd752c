import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import type { Removal } from '../files/removals.repository.ts';
import { carryOut } from '../files/removals.ts';
import { adoptBlob, releaseBlobs } from '../files/shared-blobs.ts';
import { renditionKeysOf } from '../renditions/renditions.repository.ts';
import { free, settle } from '../usage/usage.service.ts';
import {
  deleteMedia,
  insertMedia,
  lockMedia,
  lockMediaOf,
  type NewMedia,
  updateMedia,
} from './media.repository.ts';
import type { MediaChange, MediaRow } from './media.schema.ts';
import { canDelete, canEdit, canSee } from './visibility.ts';

type Trace = { traceparent: string | undefined };

/** Throws when the caller's condition does not hold for the row. */
type Condition = (row: MediaRow) => void;

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
): Promise<MediaRow> {
  return db.transaction(async (tx) => {
    const row = await lockSeen(tx, caller, id);
    if (!canEdit(caller, row)) throw new Problem('forbidden', 'Only its owner may change it.');
    holds(row);
    if (Object.keys(change).length === 0) return row;
    const changed = await updateMedia(tx, id, change);
    await announce(tx, {
      type: 'media.updated',
      actorId: caller.userId,
      data: subjectOf(changed),
      ...trace,
    });
    return changed;
  });
}

/**
 * Removes the media; its blob goes after the commit, or with a later sweep.
 *
 * @throws {Problem} `not_found`, `forbidden`
 */
export async function removeMedia(
  deps: Deps,
  caller: Caller,
  id: string,
  holds: Condition,
  trace: Trace,
): Promise<void> {
  const files = await deps.db.transaction(async (tx) => {
    const row = await lockSeen(tx, caller, id);
    if (!canDelete(caller, row))
      throw new Problem('forbidden', 'Only its owner or a moderator may delete it.');
    holds(row);
    return removeLocked(tx, [row], caller.userId, trace);
  });
  await carryOut(deps, files);
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

/** Rows and events go together; the files are noted, for who carries it out after the commit. */
async function removeLocked(tx: Tx, rows: MediaRow[], actorId: string, trace: Trace): Promise<Removal[]> {
  const ids = rows.map(({ id }) => id);
  const keys = [...rows.map(({ blobKey }) => blobKey), ...(await renditionKeysOf(tx, ids))];
  await deleteMedia(tx, ids);
  await free(tx, rows);
  const files = await releaseBlobs(tx, keys);
  await announce(
    tx,
    ...rows.map((row) => ({
      type: 'media.deleted' as const,
      actorId,
      data: { ...subjectOf(row), final: true },
      ...trace,
    })),
  );
  return files;
}

async function lockSeen(tx: Tx, caller: Caller, id: string): Promise<MediaRow> {
  const row = await lockMedia(tx, id);
  if (row === undefined || !canSee(caller, row)) throw new Problem('not_found');
  return row;
}

function subjectOf({ id, ownerId, ownerUsername, title, visibility }: MediaRow) {
  return { mediaId: id, ownerId, ownerUsername, title, visibility };
}
