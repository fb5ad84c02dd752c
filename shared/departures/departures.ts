import { and, asc, eq, lte, sql } from 'drizzle-orm';
import type { Db, Executor } from '../db/database.ts';
import { startLeader } from '../db/leader.ts';
import { isUnavailable } from '../db/unavailable.ts';
import type { Consumers } from '../events/consumers.ts';
import type { Log } from '../runtime/log.ts';
import { type Loop, pause } from '../runtime/loop.ts';
import { departures } from './tables.ts';

const POLL_MS = 1000;
const BATCH = 50;
/** Time between two looks doubles up to an hour; events that come late are at most a week old. */
const FIRST_PAUSE = '2 seconds';
const LAST_PAUSE = '1 hour';
const KEPT = '8 days';

/** Notes that a user has gone: whatever is here of theirs, or comes late, is forgotten. May be repeated. */
export async function noteDeparture(db: Executor, userId: string): Promise<void> {
  await db
    .insert(departures)
    .values({ userId })
    .onConflictDoUpdate({ target: departures.userId, set: { dueAt: sql`now()` } });
}

/** For the consumers of every service that holds anything of users. */
export const departureConsumers: Consumers = {
  'user.deleted': (tx, { data }) => noteDeparture(tx, data.userId),
};

type Options = {
  db: Db;
  url: string;
  /** The service's name. */
  service: string;
  /**
   * Removes all that is here of a user, in batches of its own, and stops between two of them when the signal
   * aborts. It is called again and again: what is gone is gone.
   */
  forget(userId: string, signal: AbortSignal): Promise<void>;
  log: Log;
};

/** Forgets who has gone, behind the requests, in one process at a time. */
export function startDepartures(options: Options): Loop {
  const { url, service, log } = options;
  return startLeader({
    url,
    name: `departures:${service}`,
    log,
    async lead(signal) {
      while (!signal.aborted) {
        const done = await forgetDue(options, signal);
        if (done < BATCH) await pause(POLL_MS, signal);
      }
    },
  });
}

/** One round over those that are due, at most {@link BATCH}. Returns how many were looked at. */
export async function forgetDue(
  { db, forget, log }: Pick<Options, 'db' | 'forget' | 'log'>,
  signal: AbortSignal,
): Promise<number> {
  const due = await db
    .select({ userId: departures.userId })
    .from(departures)
    .where(lte(departures.dueAt, sql`now()`))
    .orderBy(asc(departures.dueAt))
    .limit(BATCH);
  for (const { userId } of due) {
    try {
      await forget(userId, signal);
    } catch (err) {
      if (isUnavailable(err)) throw err;
      // The others need not wait for this one: it comes again like everybody.
      log.error({ err, userId }, 'departed user not forgotten yet');
    }
    if (signal.aborted) break;
    await lookAgainLater(db, userId);
  }
  return due.length;
}

async function lookAgainLater(db: Db, userId: string): Promise<void> {
  const mine = eq(departures.userId, userId);
  await db.delete(departures).where(and(mine, sql`${departures.createdAt} < now() - ${KEPT}::interval`));
  const age = sql`now() - ${departures.createdAt}`;
  const wait = sql`least(greatest(${age}, ${FIRST_PAUSE}::interval), ${LAST_PAUSE}::interval)`;
  await db
    .update(departures)
    .set({ dueAt: sql`now() + ${wait}` })
    .where(mine);
}
