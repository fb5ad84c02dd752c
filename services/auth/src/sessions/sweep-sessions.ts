import type { Db } from '@tertulia/shared/db/database';
import type { Log } from '@tertulia/shared/runtime/log';
import { every, type Loop } from '@tertulia/shared/runtime/loop';
import { and, asc, gt, inArray, lt, or, sql } from 'drizzle-orm';
import { challenges, oneTimeTokens, refreshTokens, sessions } from '../db/schema.ts';

const SWEEP_MS = 600_000;
const BATCH = 500;
const PAUSE_MS = 20;
/** Sessions that are over are kept so long: who shows a token of theirs late is told the same. */
const KEPT_MS = 86_400_000;

/**
 * Deletes what has run out: sessions with their tokens, used tokens that are older than any session may be
 * without use, one-time tokens, challenges. Walks by primary keys, a batch at a time.
 */
export async function sweepSessions(db: Db, sessionDays: number): Promise<void> {
  await sweepOneTime(db);
  const over = new Date(Date.now() - KEPT_MS);
  const spent = new Date(Date.now() - sessionDays * 86_400_000);
  for (let after = '00000000-0000-0000-0000-000000000000', full = true; full; ) {
    const page = await db
      .select({ id: sessions.id })
      .from(sessions)
      .where(gt(sessions.id, after))
      .orderBy(asc(sessions.id))
      .limit(BATCH);
    const ids = page.map(({ id }) => id);
    await db
      .delete(sessions)
      .where(and(inArray(sessions.id, ids), or(lt(sessions.expiresAt, over), lt(sessions.revokedAt, over))));
    await db
      .delete(refreshTokens)
      .where(and(inArray(refreshTokens.sessionId, ids), lt(refreshTokens.usedAt, spent)));
    after = ids.at(-1) ?? after;
    full = ids.length === BATCH;
    // Other work comes first.
    await Bun.sleep(PAUSE_MS);
  }
}

async function sweepOneTime(db: Db): Promise<void> {
  for (const [table, key] of [
    [oneTimeTokens, oneTimeTokens.hash],
    [challenges, challenges.id],
  ] as const) {
    for (let full = true; full; ) {
      const some = db
        .select({ key: sql`${key}` })
        .from(table)
        .where(lt(table.expiresAt, sql`now()`))
        .limit(BATCH);
      const gone = await db.delete(table).where(inArray(key, some)).returning({ key });
      full = gone.length === BATCH;
    }
  }
}

export function startSessionSweep(db: Db, sessionDays: number, log: Log): Loop {
  return every(
    SWEEP_MS,
    () => sweepSessions(db, sessionDays),
    (err) => log.warn({ err }, 'old sessions not swept'),
  );
}
