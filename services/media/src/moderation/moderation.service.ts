import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import { carryOut } from '../files/removals.ts';
import { isLiked } from '../likes/likes.repository.ts';
import { countMedia, lockMedia, updateMedia } from '../media/media.repository.ts';
import type { MediaRow } from '../media/media.schema.ts';
import { type Condition, removeLocked, subjectOf, type Trace, trashLocked } from '../media/media.service.ts';
import { decideReports } from '../reports/reports.repository.ts';
import { isRemoved, untrashLocked } from '../trash/trash.service.ts';
import { insertLogEntry } from './moderation.repository.ts';
import type { Moderation } from './moderation.schema.ts';

/** What the owner reads where no moderator has given a reason. */
const BY_REPORTS = 'Several people have reported it. A moderator will look at it.';

/**
 * Does what a moderator has decided, and with it all open reports are dealt with.
 *
 * @throws {Problem} `not_found`; `conflict` to hide or remove what is removed
 */
export async function moderate(
  deps: Deps,
  caller: Caller,
  id: string,
  { action, reason }: Moderation,
  holds: Condition,
  trace: Trace,
): Promise<{ row: MediaRow; liked: boolean }> {
  const { files, ...done } = await deps.db.transaction(async (tx) => {
    const row = await lockMedia(tx, id);
    // What its owner has thrown away is nobody else's business.
    if (row === undefined || (row.deletedAt !== null && !isRemoved(row))) throw new Problem('not_found');
    if (isRemoved(row) && action !== 'restore') throw new Problem('conflict', 'It is removed already.');
    const liked = await isLiked(tx, caller, id);
    holds(row, liked);
    await insertLogEntry(tx, { mediaId: id, moderatorId: caller.userId, action, reason });
    await decideReports(tx, id);
    const decided = await countMedia(tx, id, { openReports: 0, reportedAt: null });
    // Reports that were dismissed have changed nothing for the owner.
    if (action !== 'restore' || row.hiddenAt !== null || isRemoved(row)) {
      await tell(tx, row, action, reason, caller.userId, trace);
    }
    const now = await ACTIONS[action](tx, decided, reason, caller, trace);
    const ends = action === 'remove' && deps.env.TRASH_DAYS === 0;
    return { row: now, liked, files: ends ? await removeLocked(tx, [now], caller.userId, trace) : [] };
  });
  await carryOut(deps, files);
  return done;
}

type Act = (tx: Tx, row: MediaRow, reason: string, caller: Caller, trace: Trace) => Promise<MediaRow>;

const ACTIONS: Record<Moderation['action'], Act> = {
  hide: (tx, row, reason) =>
    updateMedia(tx, row.id, { hiddenAt: row.hiddenAt ?? new Date(), hiddenReason: reason }),
  remove: (tx, row, _, caller, trace) => trashLocked(tx, row, caller.userId, { moderated: true }, trace),
  async restore(tx, row, _, caller, trace) {
    const back = isRemoved(row) ? await untrashLocked(tx, row, caller.userId, trace) : row;
    return back.hiddenAt === null ? back : updateMedia(tx, row.id, { hiddenAt: null, hiddenReason: null });
  },
};

/** Hides a locked media that enough people have reported, unless it is hidden. The reports stay open. */
export async function hideByReports(tx: Tx, row: MediaRow, trace: Trace): Promise<void> {
  if (row.hiddenAt !== null) return;
  await updateMedia(tx, row.id, { hiddenAt: new Date(), hiddenReason: BY_REPORTS });
  await insertLogEntry(tx, { mediaId: row.id, moderatorId: null, action: 'hide', reason: BY_REPORTS });
  await tell(tx, row, 'hide', BY_REPORTS, null, trace);
}

async function tell(
  tx: Tx,
  row: MediaRow,
  action: Moderation['action'],
  reason: string,
  actorId: string | null,
  trace: Trace,
): Promise<void> {
  await announce(tx, {
    type: 'media.moderated',
    actorId,
    data: { ...subjectOf(row), action, reason },
    ...trace,
  });
}
