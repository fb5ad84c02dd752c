import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, asc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import { streamEntries, streamEpoch, streams } from '../db/schema.ts';

export type StreamEntry = { offset: number; data: string };

/** So many entries of a channel are kept, for at most {@link KEPT_DAYS}. */
export const KEPT_ENTRIES = 1000;
const KEPT_DAYS = 30;

export const userChannel = (userId: string) => `user:${userId}`;

/** The channel's row, locked until the transaction ends; made where there is none. */
export async function lockStream(tx: Tx, channel: string): Promise<{ lastOffset: number; unread: number }> {
  await tx.insert(streams).values({ channel }).onConflictDoNothing();
  const [row] = await tx.select().from(streams).where(eq(streams.channel, channel)).for('update');
  if (row === undefined) throw new Error('the stream row vanished under its lock');
  return row;
}

/** Gives the channel's next offset to `data`, and changes its unread count by `unread`. */
export async function append(
  tx: Tx,
  channel: string,
  unread: number,
  data: (state: { offset: number; unread: number }) => unknown,
) {
  const [row] = await tx
    .insert(streams)
    .values({ channel, lastOffset: 1, unread })
    .onConflictDoUpdate({
      target: streams.channel,
      set: { lastOffset: sql`${streams.lastOffset} + 1`, unread: sql`${streams.unread} + ${unread}` },
    })
    .returning({ offset: streams.lastOffset, unread: streams.unread });
  if (row === undefined) throw new Error('upsert returned no row');
  const entry: StreamEntry = { offset: row.offset, data: JSON.stringify(data(row)) };
  await tx.insert(streamEntries).values({ channel, entryOffset: entry.offset, data: entry.data });
  // Now and then is enough: the bound may be exceeded by a tenth.
  if (entry.offset % (KEPT_ENTRIES / 10) === 0) {
    await tx
      .delete(streamEntries)
      .where(
        and(
          eq(streamEntries.channel, channel),
          lt(streamEntries.entryOffset, entry.offset - KEPT_ENTRIES + 1),
        ),
      );
  }
  return { ...entry, unread: row.unread };
}

/** What was published there once is withdrawn: whoever reads it later gets a void. */
export async function withdraw(tx: Tx, channel: string, offset: number): Promise<void> {
  await tx
    .update(streamEntries)
    .set({ data: VOID })
    .where(and(eq(streamEntries.channel, channel), eq(streamEntries.entryOffset, offset)));
}

const VOID = JSON.stringify({ kind: 'void' });

/** Removes a locked channel and all that was published there. */
export async function forgetStream(tx: Tx, channel: string): Promise<void> {
  await tx.delete(streamEntries).where(eq(streamEntries.channel, channel));
  await tx.delete(streams).where(eq(streams.channel, channel));
}

/** Entries after an offset, in order. */
export function entriesAfter(
  db: Executor,
  channel: string,
  offset: number,
  limit: number,
): Promise<StreamEntry[]> {
  return db
    .select({ offset: streamEntries.entryOffset, data: streamEntries.data })
    .from(streamEntries)
    .where(and(eq(streamEntries.channel, channel), gt(streamEntries.entryOffset, offset)))
    .orderBy(asc(streamEntries.entryOffset))
    .limit(limit);
}

/** Last offsets of channels; 0 for one that nothing was published to. */
export async function lastOffsets(db: Executor, channels: readonly string[]): Promise<Map<string, number>> {
  const rows = await db
    .select()
    .from(streams)
    .where(inArray(streams.channel, [...channels]));
  const found = new Map(rows.map(({ channel, lastOffset }) => [channel, lastOffset]));
  return new Map(channels.map((channel) => [channel, found.get(channel) ?? 0]));
}

export async function unreadOf(db: Executor, channel: string): Promise<number> {
  const [row] = await db.select({ unread: streams.unread }).from(streams).where(eq(streams.channel, channel));
  return row?.unread ?? 0;
}

/**
 * Names the history that offsets count in. It is another one after a restore from a backup, as far as
 * Postgres can tell (system identifier, timeline, database), or when the stored value is changed.
 */
export async function epochOf(db: Executor): Promise<string> {
  const value = Bun.randomUUIDv7();
  await db.insert(streamEpoch).values({ value }).onConflictDoNothing();
  const [row] = await db.execute<{ parts: string }>(sql`
    select concat_ws(':', (select system_identifier from pg_control_system()),
      (select timeline_id from pg_control_checkpoint()),
      (select oid from pg_database where datname = current_database()),
      (select value from stream_epoch)) as parts`);
  if (row === undefined) throw new Error('no epoch');
  return Bun.hash.wyhash(row.parts).toString(36);
}

/** Forgets entries that are too old, in batches. */
export async function sweepEntries(db: Executor): Promise<void> {
  for (let gone = 1000; gone === 1000; ) {
    const rows = await db.execute(sql`
      delete from stream_entries where ctid in (
        select ctid from stream_entries where created_at < now() - ${KEPT_DAYS} * interval '1 day' limit 1000
      ) returning 1`);
    gone = rows.length;
  }
}
