import { and, asc, gt, inArray, lt, sql } from 'drizzle-orm';
import type { Db, Executor } from '../db/database.ts';
import type { Consumers } from '../events/consumers.ts';
import { together } from '../events/consumers.ts';
import type { Revocation } from './revocations.ts';
import { revocations } from './tables.ts';

/** Postgres channel on which every process of a service hears of new rows; the payload names them. */
export const REVOCATIONS_CHANNEL = 'revocations';

/** A payload holds at most 8,000 bytes; an empty one means: look at everything. */
const MAX_NAMED = 300;
const LOAD_BATCH = 5000;
const SWEEP_BATCH = 1000;

/**
 * Keeps revocations in this service's own table, and wakes its processes once the transaction is committed.
 * Harmless to repeat.
 */
export async function saveRevocations(tx: Executor, rows: readonly Revocation[]): Promise<void> {
  // The same row twice in one statement is an error to Postgres.
  const unique = [...new Map(rows.map((row) => [row.seq, row])).values()];
  for (let at = 0; at < unique.length; at += SWEEP_BATCH) {
    await tx
      .insert(revocations)
      .values(unique.slice(at, at + SWEEP_BATCH).map(toRow))
      // A number given twice means that auth's database was restored: the later one counts.
      .onConflictDoUpdate({
        target: revocations.seq,
        set: {
          userId: sql`excluded.user_id`,
          sessionIds: sql`excluded.session_ids`,
          minGeneration: sql`excluded.min_generation`,
          kids: sql`excluded.kids`,
          expiresAt: sql`excluded.expires_at`,
        },
      });
  }
  if (unique.length > 0)
    await notifyRevocations(
      tx,
      unique.map(({ seq }) => seq),
    );
}

/** Wakes the processes of this service once the transaction is committed. */
export async function notifyRevocations(tx: Executor, seqs: readonly number[]): Promise<void> {
  const payload = seqs.length > MAX_NAMED ? '' : seqs.join(',');
  await tx.execute(sql`select pg_notify(${REVOCATIONS_CHANNEL}, ${payload})`);
}

/** Hands every revocation that could still matter to `take`, a batch at a time. */
export async function loadRevocations(db: Db, take: (rows: Revocation[]) => void): Promise<void> {
  for (let after = 0, full = true; full; ) {
    const rows = await db
      .select(columns)
      .from(revocations)
      .where(and(gt(revocations.seq, after), gt(revocations.expiresAt, sql`now()`)))
      .orderBy(asc(revocations.seq))
      .limit(LOAD_BATCH);
    take(rows);
    after = rows.at(-1)?.seq ?? after;
    full = rows.length === LOAD_BATCH;
  }
}

export async function findRevocations(db: Db, seqs: readonly number[]): Promise<Revocation[]> {
  return db
    .select(columns)
    .from(revocations)
    .where(inArray(revocations.seq, [...seqs]));
}

/** Deletes what has run out, in batches. */
export async function sweepRevocations(db: Db): Promise<void> {
  for (let full = true; full; ) {
    const some = db
      .select({ seq: revocations.seq })
      .from(revocations)
      .where(lt(revocations.expiresAt, sql`now()`))
      .limit(SWEEP_BATCH);
    const gone = await db.delete(revocations).where(inArray(revocations.seq, some)).returning({
      seq: revocations.seq,
    });
    full = gone.length === SWEEP_BATCH;
  }
}

/** For the table of consumers of every service but auth, which writes its own. */
export const revocationConsumers = {
  'tokens.revoked': together<'tokens.revoked'>((tx, events) =>
    saveRevocations(
      tx,
      events.map(({ data }) => ({ ...data, expiresAt: new Date(data.expiresAt) })),
    ),
  ),
} satisfies Consumers;

const columns = {
  seq: revocations.seq,
  userId: revocations.userId,
  sessionIds: revocations.sessionIds,
  minGeneration: revocations.minGeneration,
  kids: revocations.kids,
  expiresAt: revocations.expiresAt,
};

function toRow({ seq, userId, sessionIds, minGeneration, kids = [], expiresAt }: Revocation) {
  return { seq, userId, sessionIds, minGeneration, kids, expiresAt };
}
