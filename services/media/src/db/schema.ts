import { MEDIA_KINDS, VISIBILITIES } from '@tertulia/shared/events/catalog';
import { sql } from 'drizzle-orm';
import {
  bigint,
  index,
  integer,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

export const visibility = pgEnum('visibility', VISIBILITIES);
export const mediaKind = pgEnum('media_kind', MEDIA_KINDS);
export const mediaStatus = pgEnum('media_status', ['processing', 'ready', 'failed']);
export const place = pgEnum('place', ['blob', 'upload']);

const instant = () => timestamp({ withTimezone: true });

/** What the owner says about a file; an upload holds it until there is a media. */
const details = () => ({
  ownerId: uuid().notNull(),
  ownerUsername: text().notNull(),
  filename: text().notNull(),
  title: text().notNull(),
  description: text().notNull().default(''),
  tags: text().array().notNull().default([]),
  visibility: visibility().notNull().default('public'),
  /** Key in the blob store, drawn when the upload starts. */
  blobKey: text().notNull().unique(),
});

/** `id` is a UUIDv7 made with the row, so its order is the order of time. */
export const media = pgTable(
  'media',
  {
    id: uuid().primaryKey(),
    ...details(),
    kind: mediaKind().notNull(),
    mimeType: text().notNull(),
    size: bigint({ mode: 'number' }).notNull(),
    sha256: text().notNull(),
    width: integer(),
    height: integer(),
    durationMs: integer(),
    status: mediaStatus().notNull().default('ready'),
    likes: integer().notNull().default(0),
    createdAt: instant().notNull().defaultNow(),
    updatedAt: instant().notNull().defaultNow(),
  },
  (table) => [
    index('media_owner').on(table.ownerId, table.id),
    index('media_public').on(table.id).where(sql`${table.visibility} = 'public'`),
    index('media_public_kind').on(table.kind, table.id).where(sql`${table.visibility} = 'public'`),
  ],
);

/**
 * A tus upload. Its bytes lie in a file named by `id`; the file's size is the offset, not a column. Sealed
 * (`sha256` set) it is complete, and only the steps to its media are left; finished, it names that media.
 */
export const uploads = pgTable(
  'uploads',
  {
    id: uuid().primaryKey(),
    ...details(),
    length: bigint({ mode: 'number' }).notNull(),
    /** `Upload-Metadata` as it came: HEAD gives it back. */
    metadata: text(),
    kind: mediaKind(),
    mimeType: text(),
    sha256: text(),
    mediaId: uuid().references(() => media.id, { onDelete: 'cascade' }),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [index('uploads_media').on(table.mediaId), index('uploads_owner').on(table.ownerId, table.id)],
);

/** Files that must go, noted with the change that made them useless and struck out when they are gone. */
export const removals = pgTable(
  'removals',
  {
    place: place().notNull(),
    key: text().notNull(),
    due: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.place, table.key] }), index('removals_due').on(table.due)],
);
