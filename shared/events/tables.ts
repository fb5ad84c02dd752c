import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

/**
 * Events waiting for the relay, and those it has published, for a week. `id` is the order of announcing
 * within a subject; `seq`, given by the relay, is the gapless order of the stream.
 */
export const outbox = pgTable(
  'outbox',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    eventId: uuid().notNull(),
    subject: text().notNull(),
    /** The envelope, as it goes out. */
    envelope: text().notNull(),
    seq: bigint({ mode: 'number' }),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    // Keeps the search for unpublished rows flat, however many published ones there are.
    index('outbox_unpublished').on(table.id).where(sql`${table.seq} is null`),
    index('outbox_seq').on(table.seq),
  ],
);

/** One row: the last `seq` given. It outlives the rows it counted. */
export const outboxHead = pgTable(
  'outbox_head',
  {
    only: boolean().primaryKey().default(true),
    seq: bigint({ mode: 'number' }).notNull().default(0),
  },
  (table) => [check('outbox_head_one_row', sql`${table.only}`)],
);

/** How far each reader of this service's stream has come, as the relay last heard. */
export const outboxReaders = pgTable('outbox_readers', {
  reader: text().primaryKey(),
  position: bigint({ mode: 'number' }).notNull(),
});

/** How far this service has read each stream; moves in the transaction of the effects. */
export const streamPositions = pgTable('stream_positions', {
  source: text().primaryKey(),
  position: bigint({ mode: 'number' }).notNull(),
});

/** Events whose handler failed, and later ones of the same subject behind them, in order. */
export const setAside = pgTable(
  'set_aside',
  {
    source: text().notNull(),
    seq: bigint({ mode: 'number' }).notNull(),
    subject: text().notNull(),
    envelope: text().notNull(),
    /** Null while it only waits behind another. */
    error: text(),
    tries: integer().notNull().default(0),
    /** True once the tries are used up: it rests, and its subject waits, until somebody replays it. */
    dead: boolean().notNull().default(false),
    dueAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.source, table.seq] }),
    index('set_aside_subject').on(table.source, table.subject, table.seq),
  ],
);
