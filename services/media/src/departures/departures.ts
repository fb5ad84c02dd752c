import { heldByKeys, heldIn } from '@tertulia/shared/departures/held';
import { forgetIdempotencyKeys } from '@tertulia/shared/http/idempotency';
import { sql } from 'drizzle-orm';
import { deleteAlbumsOf } from '../albums/albums.repository.ts';
import type { Deps } from '../deps.ts';
import { unlikeAllOf } from '../likes/likes.service.ts';
import { forgetDeleter } from '../media/media.repository.ts';
import { removeMediaOf } from '../media/media.service.ts';
import { forgetModerator } from '../moderation/moderation.repository.ts';
import { forgetReportsOf } from '../reports/reports.service.ts';
import { discardUploadsOf } from '../uploads/uploads.service.ts';
import { deleteUsage } from '../usage/usage.repository.ts';

const BATCH = 100;

/** Deletes all that is here of a user who has gone, and the files. What others have stays, with its counts right. */
export function createForget(deps: Deps) {
  const { db } = deps;
  return async function forget(userId: string, signal: AbortSignal): Promise<void> {
    const steps = [
      // Uploads first: one that is being finished becomes a media, or none.
      () => discardUploadsOf(deps, userId, BATCH),
      () => removeMediaOf(deps, userId, BATCH),
      () => deleteAlbumsOf(db, userId, BATCH),
      () => unlikeAllOf(deps, userId, BATCH),
      () => forgetReportsOf(deps, userId, BATCH),
      () => forgetModerator(db, userId, BATCH),
      () => forgetDeleter(db, userId, BATCH),
    ];
    for (const step of steps) while (!signal.aborted && (await step()) === BATCH);
    await deleteUsage(db, userId);
    await forgetIdempotencyKeys(db, userId);
  };
}

/** Who is named in a column that an index begins with. */
const held = (table: string, column: string) => (after: string, limit: number) => {
  const id = sql.identifier(column);
  return sql`
    select distinct ${id} as user_id from ${sql.identifier(table)}
    where ${id} > ${after}::uuid order by ${id} limit ${limit}`;
};

/** Users whom anything here names. */
export const heldUsers = heldIn(
  held('media', 'owner_id'),
  held('uploads', 'owner_id'),
  held('albums', 'owner_id'),
  held('likes', 'user_id'),
  held('reports', 'reporter_id'),
  held('moderation_log', 'moderator_id'),
  held('usage', 'user_id'),
  // Of those in the trash, which are few.
  held('media', 'deleted_by'),
  heldByKeys,
);
