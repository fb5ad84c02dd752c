import { heldByKeys, heldIn } from '@tertulia/shared/departures/held';
import { forgetIdempotencyKeys } from '@tertulia/shared/http/idempotency';
import { sql } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import { removeMediaOf } from '../media/media.service.ts';
import { discardUploadsOf } from '../uploads/uploads.service.ts';

const BATCH = 100;

/** Deletes media, uploads and kept answers of a user who has gone, and their files. */
export function createForget(deps: Deps) {
  return async function forget(userId: string, signal: AbortSignal): Promise<void> {
    // Uploads first: one that is being finished becomes a media, or none.
    while (!signal.aborted && (await discardUploadsOf(deps, userId, BATCH)) === BATCH);
    while (!signal.aborted && (await removeMediaOf(deps, userId, BATCH)) === BATCH);
    await forgetIdempotencyKeys(deps.db, userId);
  };
}

/** Users whom anything here names. */
export const heldUsers = heldIn(
  (after, limit) => sql`
    select distinct owner_id as user_id from media
    where owner_id > ${after}::uuid order by owner_id limit ${limit}`,
  (after, limit) => sql`
    select distinct owner_id as user_id from uploads
    where owner_id > ${after}::uuid order by owner_id limit ${limit}`,
  heldByKeys,
);
