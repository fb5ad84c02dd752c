import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import { countMedia, lockMedia } from '../media/media.repository.ts';
import { lockSeen, subjectOf, type Trace } from '../media/media.service.ts';
import { hideByReports } from '../moderation/moderation.service.ts';
import { deleteReport, insertReport, oldestOpen, reportsOf } from './reports.repository.ts';
import type { Report } from './reports.schema.ts';

/**
 * One report a user and media, in the caller's transaction; another changes nothing. At the threshold the media
 * is hidden until a moderator has decided.
 *
 * @throws {Problem} `not_found`, `forbidden` for one's own
 */
export async function report(
  tx: Tx,
  { env }: Pick<Deps, 'env'>,
  caller: Caller,
  id: string,
  given: Report,
  trace: Trace,
): Promise<void> {
  const row = await lockSeen(tx, caller, id);
  if (row.ownerId === caller.userId) throw new Problem('forbidden', 'It is your own: you can delete it.');
  if (!(await insertReport(tx, id, caller.userId, given))) return;
  const counts = { openReports: row.openReports + 1, reportedAt: row.reportedAt ?? new Date() };
  const reported = await countMedia(tx, id, counts);
  await announce(tx, {
    type: 'media.reported',
    actorId: caller.userId,
    data: { ...subjectOf(row), reason: given.reason, reports: reported.openReports },
    ...trace,
  });
  if (reported.openReports >= env.MEDIA_REPORT_THRESHOLD) await hideByReports(tx, reported, trace);
}

/** Forgets reports of a user who has gone; what they have led to stays. Returns how many, at most `limit`. */
export async function forgetReportsOf({ db }: Deps, userId: string, limit: number): Promise<number> {
  const mine = await reportsOf(db, userId, limit);
  for (const { id, mediaId } of mine) {
    await db.transaction(async (tx) => {
      const row = await lockMedia(tx, mediaId);
      if (row === undefined || !(await deleteReport(tx, id))) return;
      await countMedia(tx, mediaId, {
        openReports: row.openReports - 1,
        reportedAt: await oldestOpen(tx, mediaId),
      });
    });
  }
  return mine.length;
}
