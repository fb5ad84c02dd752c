import type { Db } from '@tertulia/shared/db/database';
import { heldIn, UUID } from '@tertulia/shared/departures/held';
import { sql } from 'drizzle-orm';
import { deleteNotificationsOf, forgetRecipient } from '../inbox/inbox.repository.ts';
import { forgetStream, lockStream, userChannel } from '../streams/streams.repository.ts';

const BATCH = 1000;
const USER_CHANNEL = UUID.replace('^', '^user:');

/** Removes inbox, stream and language of a user who has gone. Sockets close as the sessions behind them end. */
export function createForget(db: Db) {
  return async function forget(userId: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await deleteNotificationsOf(db, userId, BATCH)) === BATCH);
    await db.transaction(async (tx) => {
      const channel = userChannel(userId);
      await lockStream(tx, channel);
      await deleteNotificationsOf(tx, userId, BATCH);
      await forgetStream(tx, channel);
      await forgetRecipient(tx, userId);
    });
  };
}

/** Users whom an inbox, a stream or a language is kept for. */
export const heldUsers = heldIn(
  (after, limit) => sql`
    select distinct user_id from notifications
    where user_id > ${after}::uuid order by user_id limit ${limit}`,
  (after, limit) => sql`
    select user_id from recipients
    where user_id > ${after}::uuid order by user_id limit ${limit}`,
  (after, limit) => sql`
    select substr(channel, 6)::uuid as user_id from (
      select channel from streams
      where channel > ${userChannel(after)} and channel ~ ${USER_CHANNEL} order by channel limit ${limit}
    ) as channels`,
);
