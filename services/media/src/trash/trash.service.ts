import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { every, type Loop } from '@tertulia/shared/runtime/loop';
import type { Deps } from '../deps.ts';
import { carryOut } from '../files/removals.ts';
import { isLiked } from '../likes/likes.repository.ts';
import { lockMedia, lockOldTrash, updateMedia } from '../media/media.repository.ts';
import type { MediaRow } from '../media/media.schema.ts';
import { type Condition, removeLocked, subjectOf, type Trace } from '../media/media.service.ts';
import { isModerator } from '../media/visibility.ts';

const SWEEP_MS = 60_000;
const BATCH = 100;

/** In the trash by another than its owner. */
export const isRemoved = ({ deletedAt, deletedBy, ownerId }: MediaRow) =>
  deletedAt !== null && deletedBy !== ownerId;

/**
 * Takes a media out of the trash.
 *
 * @throws {Problem} `not_found`; `conflict` when it is not in the trash; `forbidden` to its owner when a
 *   moderator has put it there
 */
export async function restore(
  { db }: Deps,
  caller: Caller,
  id: string,
  holds: Condition,
  trace: Trace,
): Promise<{ row: MediaRow; liked: boolean }> {
  return db.transaction(async (tx) => {
    const row = await lockMedia(tx, id);
    if (row === undefined || !canRestoreOrKnow(caller, row)) throw new Problem('not_found');
    if (row.deletedAt === null) throw new Problem('conflict', 'It is not in the trash.');
    if (isRemoved(row) && !isModerator(caller)) {
      throw new Problem('forbidden', 'A moderator has removed it, and only moderators restore it.');
    }
    const liked = await isLiked(tx, caller, id);
    holds(row, liked);
    return { row: await untrashLocked(tx, row, caller.userId, trace), liked };
  });
}

/** Who may know that it is there: its owner, and moderators where one has removed it. */
function canRestoreOrKnow(caller: Caller, row: MediaRow): boolean {
  return caller.userId === row.ownerId || (isRemoved(row) && isModerator(caller));
}

export async function untrashLocked(tx: Tx, row: MediaRow, actorId: string, trace: Trace): Promise<MediaRow> {
  const restored = await updateMedia(tx, row.id, { deletedAt: null, deletedBy: null });
  await announce(tx, { type: 'media.restored', actorId, data: subjectOf(row), ...trace });
  return restored;
}

/** Removes what has been in the trash for long enough. Replicas that do so at once share it out. */
export async function emptyTrash(deps: Deps): Promise<void> {
  for (;;) {
    const { rows, files } = await deps.db.transaction(async (tx) => {
      const rows = await lockOldTrash(tx, deps.env.TRASH_DAYS, BATCH);
      const files = rows.length === 0 ? [] : await removeLocked(tx, rows, null, { traceparent: undefined });
      return { rows, files };
    });
    await carryOut(deps, files);
    if (rows.length < BATCH) return;
  }
}

export function startTrashSweep(deps: Deps): Loop {
  return every(
    SWEEP_MS,
    () => emptyTrash(deps),
    (err) => deps.log.warn({ err }, 'trash not emptied'),
  );
}
