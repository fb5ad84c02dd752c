import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import { noteRemovals, type Removal } from '../files/removals.repository.ts';
import { carryOut } from '../files/removals.ts';
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
 * `reserve`, and are not any more.
 */
export async function addMedia(
  tx: Tx,
  { env }: Pick<Deps, 'env'>,
  fields: Omit<NewMedia, 'id'> & { reserved: number },
  trace: Trace,
): Promise<MediaRow> {
  const { reserved, ...values } = fields;
  const row = await insertMedia(tx, { id: Bun.randomUUIDv7(), ...values });
  const { kind, mimeType, size, sha256 } = row;
  await settle(tx, env, { userId: row.ownerId, reserved, size }, trace);
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
  const files = await deps.db.transaction(async (tx) => {
    const rows = await lockMediaOf(tx, ownerId, limit);
    return rows.length === 0 ? [] : removeLocked(tx, rows, ownerId, { traceparent: undefined });
  });
  await carryOut(deps, files);
  return files.length;
}

/** Rows and events go together; the files are noted, for who carries it out after the commit. */
async function removeLocked(tx: Tx, rows: MediaRow[], actorId: string, trace: Trace): Promise<Removal[]> {
  const files = rows.map(({ blobKey }): Removal => ({ place: 'blob', key: blobKey }));
  await deleteMedia(
    tx,
    rows.map(({ id }) => id),
  );
  await noteRemovals(tx, files);
  await free(tx, rows);
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
