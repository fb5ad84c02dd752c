import type { Db } from '@tertulia/shared/db/database';
import { BEAT_SEQS } from '@tertulia/shared/tokens/revocation-beat';
import type { Revocation } from '@tertulia/shared/tokens/revocations';
import { revocations } from '@tertulia/shared/tokens/tables';
import { and, asc, desc, gt, sql } from 'drizzle-orm';

/**
 * No transaction that revokes lives longer, ms: what commits late is still found by who asks again from
 * {@link prepareFindResume}.
 */
const LATEST_COMMIT_MS = 30_000;
/** Rows that are about to be swept are named to nobody: who has swept them already would miss them. */
const MARGIN_MS = 30_000;

/** The numbers of the latest revocations that still matter: several times a second, so prepared. */
export function prepareListLatest(db: Db): () => Promise<number[]> {
  const query = db
    .select({ seq: revocations.seq })
    .from(revocations)
    .where(gt(revocations.expiresAt, sql`now() + ${MARGIN_MS} * interval '1 millisecond'`))
    .orderBy(desc(revocations.seq))
    .limit(BEAT_SEQS)
    .prepare('latest_revocations');
  return async () => (await query.execute()).map(({ seq }) => seq);
}

/** Revocations that still matter beyond a number, in the order of numbers. */
export function listRevocations(db: Db, since: number, limit: number): Promise<Revocation[]> {
  return db
    .select({
      seq: revocations.seq,
      userId: revocations.userId,
      sessionIds: revocations.sessionIds,
      minGeneration: revocations.minGeneration,
      kids: revocations.kids,
      expiresAt: revocations.expiresAt,
    })
    .from(revocations)
    .where(and(gt(revocations.seq, since), gt(revocations.expiresAt, sql`now()`)))
    .orderBy(asc(revocations.seq))
    .limit(limit);
}

/**
 * From where to ask the next time, to be looked up before the rows. Numbers are not in the order of commits:
 * below one that came lately, a lower one may be about to come.
 */
export async function findResume(db: Db): Promise<number> {
  const lately = sql`${revocations.createdAt} > now() - ${LATEST_COMMIT_MS} * interval '1 millisecond'`;
  const [row] = await db
    .select({
      resume: sql<string>`coalesce(min(${revocations.seq}) filter (where ${lately}) - 1, max(${revocations.seq}), 0)`,
    })
    .from(revocations);
  return Number(row?.resume ?? 0);
}
