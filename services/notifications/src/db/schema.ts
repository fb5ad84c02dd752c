import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

export const PRIORITIES = ['low', 'medium', 'high', 'critical'] as const;
export const priority = pgEnum('priority', PRIORITIES);

const instant = () => timestamp({ withTimezone: true });

/**
 * One row a channel: the last offset given, from 1, and for a user's channel how many notifications are
 * unread. Whoever changes a channel holds its row, so offsets have no gap and counts are exact.
 */
export const streams = pgTable('streams', {
  channel: text().primaryKey(),
  lastOffset: bigint({ mode: 'number' }).notNull().default(0),
  unread: integer().notNull().default(0),
});

/** What was published, append-only: a client that was away reads here what it missed. */
export const streamEntries = pgTable(
  'stream_entries',
  {
    channel: text().notNull(),
    entryOffset: bigint({ mode: 'number' }).notNull(),
    /** The publication's `data`, as JSON text: it goes out as it is. */
    data: text().notNull(),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.channel, table.entryOffset] }),
    index('stream_entries_created').on(table.createdAt),
  ],
);

export const notifications = pgTable(
  'notifications',
  {
    id: uuid().primaryKey(),
    userId: uuid().notNull(),
    /** Where it stands in its user's stream. */
    entryOffset: bigint({ mode: 'number' }).notNull(),
    type: text().notNull(),
    title: text().notNull(),
    message: text().notNull(),
    priority: priority().notNull(),
    data: jsonb().$type<Record<string, unknown>>().notNull(),
    read: boolean().notNull().default(false),
    createdAt: instant().notNull().defaultNow(),
    expiresAt: instant(),
  },
  (table) => [
    index('notifications_user').on(table.userId, table.id),
    index('notifications_user_offset').on(table.userId, table.entryOffset),
  ],
);

/** Own copy of what auth's events tell of a user. */
export const recipients = pgTable('recipients', {
  userId: uuid().primaryKey(),
  locale: text().notNull(),
});

/** A value that `epoch` is made of, besides the cluster's own: changing it tells clients to start over. */
export const streamEpoch = pgTable('stream_epoch', {
  only: boolean().primaryKey().default(true),
  value: text().notNull(),
});
