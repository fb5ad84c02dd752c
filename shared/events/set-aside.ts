import { and, asc, eq, gt, sql } from 'drizzle-orm';
import type { Db, Executor } from '../db/database.ts';
import { isUnavailable } from '../db/unavailable.ts';
import type { Log } from '../runtime/log.ts';
import type { Source } from './catalog.ts';
import type { Consumers } from './consumers.ts';
import { envelopeSchema } from './envelope.ts';
import { describe, handle } from './handle.ts';
import { setAside } from './tables.ts';

/** An event is tried so often, then rests as a dead letter. */
export const MAX_TRIES = 5;
const PER_ROUND = 200;

type Options = { source: Source; db: Db; consumers: Consumers; log: Log; retryMs?: number };

/**
 * Tries what is due, the oldest of each subject first; the ones behind it follow in order. Returns in how
 * many milliseconds the next one is due; undefined when nothing waits.
 */
export async function retrySetAside(options: Options): Promise<number | undefined> {
  for (let round = 0; round < PER_ROUND; round++) {
    const head = await nextHead(options.db, options.source);
    if (head === undefined || head.dueIn > 0) return head?.dueIn;
    await retry(options, head.seq);
  }
  return 0;
}

/** The event that is due first among those that head their subject. */
async function nextHead(db: Db, source: Source): Promise<{ seq: number; dueIn: number } | undefined> {
  const [row] = await db.execute<{ seq: string; due_in: string }>(sql`
    select seq, ceil(extract(epoch from due_at - now()) * 1000) as due_in from set_aside as head
    where source = ${source} and not dead and not exists (
      select 1 from set_aside as before
      where before.source = head.source and before.subject = head.subject and before.seq < head.seq
    )
    order by due_at, seq limit 1`);
  return row === undefined ? undefined : { seq: Number(row.seq), dueIn: Number(row.due_in) };
}

async function retry({ source, db, consumers, log, retryMs = 1000 }: Options, seq: number): Promise<void> {
  const mine = and(eq(setAside.source, source), eq(setAside.seq, seq));
  const after: (() => void)[] = [];
  try {
    await db.transaction(async (tx) => {
      const [row] = await tx.select().from(setAside).where(mine).for('update');
      if (row === undefined) return;
      const envelope = envelopeSchema.parse(JSON.parse(row.envelope));
      await handle(consumers, tx, envelope, (work) => after.push(work));
      await tx.delete(setAside).where(mine);
    });
    for (const work of after) work();
  } catch (error) {
    if (isUnavailable(error)) throw error;
    const [row] = await db
      .update(setAside)
      .set({
        tries: sql`${setAside.tries} + 1`,
        dead: sql`${setAside.tries} + 1 >= ${MAX_TRIES}`,
        error: describe(error),
        dueAt: sql`now() + ${retryMs} * power(4, ${setAside.tries}) * interval '1 millisecond'`,
      })
      .where(mine)
      .returning({ dead: setAside.dead, subject: setAside.subject });
    if (row?.dead) log.error({ err: error, source, seq, subject: row.subject }, 'event is a dead letter now');
  }
}

/** Dead letters of this service, oldest first, after `(source, seq)` of the page before. */
export function listDeadLetters(db: Executor, limit: number, after?: { source: string; seq: number }) {
  const { source, seq, subject, envelope, error, tries, createdAt } = setAside;
  return db
    .select({ source, seq, subject, envelope, error, tries, createdAt })
    .from(setAside)
    .where(
      and(
        eq(setAside.dead, true),
        after === undefined ? undefined : sql`(${source}, ${seq}) > (${after.source}, ${after.seq})`,
      ),
    )
    .orderBy(asc(source), asc(seq))
    .limit(limit);
}

/** Gives a dead letter its tries back; those behind it follow in order. False when there is no such one. */
export async function replayDeadLetter(db: Executor, source: string, seq: number): Promise<boolean> {
  const rows = await db
    .update(setAside)
    .set({ dead: false, tries: 0, dueAt: sql`now()` })
    .where(and(eq(setAside.source, source), eq(setAside.seq, seq), eq(setAside.dead, true)))
    .returning({ seq: setAside.seq });
  return rows.length > 0;
}

/** How many events wait or rest, for metrics. */
export async function countSetAside(db: Executor): Promise<{ waiting: number; dead: number }> {
  const waiting = await db.$count(setAside, eq(setAside.dead, false));
  const dead = await db.$count(setAside, and(eq(setAside.dead, true), gt(setAside.seq, 0)));
  return { waiting, dead };
}
