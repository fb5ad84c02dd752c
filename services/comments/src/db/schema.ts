import { VISIBILITIES } from '@tertulia/shared/events/catalog';
import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  boolean,
  check,
  index,
  integer,
  pgEnum,
  pgTable,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

export const STATUSES = ['pending', 'approved', 'rejected', 'flagged'] as const;

export const status = pgEnum('status', STATUSES);
export const visibility = pgEnum('visibility', VISIBILITIES);

/** To the millisecond, as on the wire and in cursors. */
const instant = () => timestamp({ withTimezone: true, precision: 3 });

/** What this service needs to know of media, told by events, so that it works while media is down. */
export const media = pgTable(
  'media',
  {
    id: uuid().primaryKey(),
    ownerId: uuid().notNull(),
    ownerUsername: text().notNull(),
    title: text().notNull(),
    visibility: visibility().notNull(),
    /** By moderation: its owner and moderators alone see it. */
    hidden: boolean().notNull().default(false),
    /** Nobody sees it, and it may come back. */
    trashed: boolean().notNull().default(false),
    /** Set for good: a late event does not bring it back. Owner and title are blank then. */
    deletedAt: instant(),
  },
  (table) => [index('media_owner').on(table.ownerId)],
);

export const comments = pgTable(
  'comments',
  {
    id: uuid().primaryKey(),
    mediaId: uuid()
      .notNull()
      .references(() => media.id),
    /** A foreign key, so that whatever races: no reply without its parent. */
    parentId: uuid().references((): AnyPgColumn => comments.id),
    depth: integer().notNull(),
    /** Author and content are null in a tombstone: what is deleted is not kept. */
    authorId: uuid(),
    authorUsername: text(),
    content: text(),
    status: status().notNull().default('approved'),
    likes: integer().notNull().default(0),
    dislikes: integer().notNull().default(0),
    /** Rows whose parent this is; changes in the transaction that adds or removes one. */
    replyCount: integer().notNull().default(0),
    createdAt: instant().notNull().defaultNow(),
    editedAt: instant(),
    deletedAt: instant(),
  },
  (table) => [
    // What pages go by. Not by the id alone, though that is in order too: the planner would then take the
    // primary key now and then, and walk past every other media's comments.
    index('comments_top').on(table.mediaId, table.createdAt, table.id).where(sql`${table.parentId} is null`),
    // All that one author wrote, for when the author goes.
    index('comments_author').on(table.authorId, table.id).where(sql`${table.authorId} is not null`),
    index('comments_replies')
      .on(table.parentId, table.createdAt, table.id)
      .where(sql`${table.parentId} is not null`),
    check('comments_reply_count', sql`${table.replyCount} >= 0`),
    check('comments_tombstone', sql`(${table.deletedAt} is null) = (${table.content} is not null)`),
  ],
);
