import type { Db } from '@tertulia/shared/db/database';
import { heldByKeys, heldIn } from '@tertulia/shared/departures/held';
import { forgetIdempotencyKeys } from '@tertulia/shared/http/idempotency';
import { sql } from 'drizzle-orm';
import { deleteCommentsOf } from '../comments/comments.service.ts';

const BATCH = 100;

/**
 * Deletes what a user who has gone wrote: a tombstone stays where there are replies. Media of that user are
 * told of by media, and lose their owner then.
 */
export function createForget(db: Db) {
  return async function forget(userId: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await deleteCommentsOf(db, userId, BATCH)) === BATCH);
    // After the comments: a request that was under way has left its answer by then.
    await forgetIdempotencyKeys(db, userId);
  };
}

/** Users whom anything here names. */
export const heldUsers = heldIn(
  (after, limit) => sql`
    select distinct author_id as user_id from comments
    where author_id > ${after}::uuid order by author_id limit ${limit}`,
  (after, limit) => sql`
    select distinct owner_id as user_id from media
    where owner_id > ${after}::uuid order by owner_id limit ${limit}`,
  heldByKeys,
);
