import { MEDIA_KINDS, VISIBILITIES } from '@tertulia/shared/events/catalog';
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';

export const visibility = pgEnum('visibility', VISIBILITIES);
export const mediaKind = pgEnum('media_kind', MEDIA_KINDS);
export const mediaStatus = pgEnum('media_status', ['processing', 'ready', 'failed']);
export const place = pgEnum('place', ['blob', 'upload']);
export const concatKind = pgEnum('concat_kind', ['partial', 'final']);
export const REPORT_REASONS = ['spam', 'abuse', 'violence', 'nudity', 'copyright', 'other'] as const;
export const reportReason = pgEnum('report_reason', REPORT_REASONS);
export const MODERATION_ACTIONS = ['hide', 'restore', 'remove'] as const;
export const moderationAction = pgEnum('moderation_action', MODERATION_ACTIONS);

/** `bytes` (base64), then zeros up to `length`, from `at` on. */
export type Redaction = { at: number; length: number; bytes: string };

const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' });

/** What lists show to everyone. */
const LISTED = sql`visibility = 'public' and hidden_at is null and deleted_at is null`;

/** What they show to its owner besides. */
const UNLISTED = sql`deleted_at is null and (visibility <> 'public' or hidden_at is not null)`;

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
  /** Key in the blob store. An upload draws one; a media whose bytes are there already shares theirs. */
  blobKey: text().notNull(),
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
    /** `tags` in lower case, which `tag` is looked for in. */
    tagKeys: text().array().notNull().default([]),
    /** The original's own metadata (EXIF, GPS, XMP) goes out to others too: the owner has said so. */
    keepMetadata: boolean().notNull().default(false),
    /** Hidden by a moderator, or by reports over the threshold: seen by its owner and moderators alone. */
    hiddenAt: instant(),
    hiddenReason: text(),
    /**
     * Places in the bytes that tell of camera and place (EXIF, GPS, XMP), and what stands there for others than
     * the owner: same length, so that ranges hold. Null: not looked at yet; empty: nothing to hide.
     */
    redactions: jsonb().$type<Redaction[]>(),
    /** Of the content as others get it, where that differs. */
    redactedSha256: text(),
    /** Reports that nobody has decided upon. */
    openReports: integer().notNull().default(0),
    /** When the oldest of them came. */
    reportedAt: instant(),
    /** In the trash since; gone for good some time later. */
    deletedAt: instant(),
    /** What another than the owner has put there, only moderators take out. */
    deletedBy: uuid(),
    /** Title, tags, description: what `q` looks in. */
    search: tsvector().generatedAlwaysAs(sql`media_search(title, description, tags)`),
    createdAt: instant().notNull().defaultNow(),
    updatedAt: instant().notNull().defaultNow(),
  },
  (table) => [
    index('media_owner').on(table.ownerId, table.id),
    index('media_owner_size').on(table.ownerId, table.size, table.id),
    index('media_listed_owner').on(table.ownerId, table.id).where(LISTED),
    index('media_unlisted_owner').on(table.ownerId, table.id).where(UNLISTED),
    index('media_unlisted_owner_size').on(table.ownerId, table.size, table.id).where(UNLISTED),
    index('media_listed').on(table.id).where(LISTED),
    index('media_listed_kind').on(table.kind, table.id).where(LISTED),
    index('media_listed_size').on(table.size, table.id).where(LISTED),
    index('media_tag_keys').using('gin', table.tagKeys),
    index('media_search').using('gin', table.search),
    index('media_blob').on(table.blobKey),
    index('media_trash').on(table.deletedAt).where(sql`${table.deletedAt} is not null`),
    index('media_own_trash')
      .on(table.ownerId, table.deletedAt, table.id)
      .where(sql`${table.deletedAt} is not null`),
    index('media_reported').on(table.reportedAt, table.id).where(sql`${table.reportedAt} is not null`),
  ],
);

/** The same bytes are kept once. Nobody learns that another has them: keys are random, uploads always run. */
export const blobs = pgTable(
  'blobs',
  {
    sha256: text().primaryKey(),
    key: text().notNull().unique(),
    size: bigint({ mode: 'number' }).notNull(),
    /** Media rows with this key, also in the trash; at 0 row and blob go. */
    refs: integer().notNull(),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [check('blobs_refs', sql`${table.refs} >= 0`)],
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
    /** Null while it is deferred. */
    length: bigint({ mode: 'number' }),
    concat: concatKind(),
    /** Of a final upload: the partial ones, in order. */
    parts: uuid().array(),
    /** `Upload-Concat` as it came: HEAD gives it back. */
    concatHeader: text(),
    /** Complete when its client says so, as the IETF's draft has it, and not when its length is reached. */
    byMark: boolean().notNull().default(false),
    /** Who may write: grows with every take-over, and an older writer's bytes are refused. */
    fence: bigint({ mode: 'number' }).notNull().default(0),
    lockedUntil: instant(),
    /** Raised when a holder had to be given up that may still write: its bytes lie elsewhere from then on. */
    generation: integer().notNull().default(0),
    /** Set by who wants the upload; the holder lets go. */
    wantedAt: instant(),
    /** Of a store that has such things (S3): its own id of the upload, so that another node can go on. */
    storeRef: text(),
    /** Bytes that count against the owner's quota until it is finished or gone. */
    reserved: bigint({ mode: 'number' }).notNull().default(0),
    /** Null once it is finished: then it never expires. */
    expiresAt: instant(),
    /** `Upload-Metadata` as it came: HEAD gives it back. */
    metadata: text(),
    kind: mediaKind(),
    mimeType: text(),
    sha256: text(),
    mediaId: uuid().references(() => media.id, { onDelete: 'cascade' }),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [
    index('uploads_media').on(table.mediaId),
    index('uploads_owner').on(table.ownerId, table.id),
    index('uploads_expires').on(table.expiresAt).where(sql`${table.expiresAt} is not null`),
  ],
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

/** What a user's media and running uploads take, in the transactions that change it. */
export const usage = pgTable(
  'usage',
  {
    userId: uuid().primaryKey(),
    usedBytes: bigint({ mode: 'number' }).notNull().default(0),
    reservedBytes: bigint({ mode: 'number' }).notNull().default(0),
    files: integer().notNull().default(0),
    /** Own quota, bytes; null: the installation's. */
    quotaBytes: bigint({ mode: 'number' }),
  },
  (table) => [check('usage_not_negative', sql`${table.usedBytes} >= 0 and ${table.reservedBytes} >= 0`)],
);

export const likes = pgTable(
  'likes',
  {
    mediaId: uuid()
      .notNull()
      .references(() => media.id, { onDelete: 'cascade' }),
    userId: uuid().notNull(),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.mediaId, table.userId] }), index('likes_user').on(table.userId)],
);

/** One a user and media. `decidedAt` is set by the moderation that dealt with it. */
export const reports = pgTable(
  'reports',
  {
    id: uuid().primaryKey(),
    mediaId: uuid()
      .notNull()
      .references(() => media.id, { onDelete: 'cascade' }),
    reporterId: uuid().notNull(),
    reason: reportReason().notNull(),
    note: text(),
    createdAt: instant().notNull().defaultNow(),
    decidedAt: instant(),
  },
  (table) => [
    unique('reports_once').on(table.mediaId, table.reporterId),
    index('reports_open').on(table.id).where(sql`${table.decidedAt} is null`),
    index('reports_reporter').on(table.reporterId),
  ],
);

/** Every act of moderation, append-only; it outlives the media. */
export const moderationLog = pgTable(
  'moderation_log',
  {
    id: uuid().primaryKey(),
    mediaId: uuid().notNull(),
    /** Null: reports over the threshold, or a moderator who has gone. */
    moderatorId: uuid(),
    action: moderationAction().notNull(),
    reason: text().notNull(),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [
    index('moderation_log_media').on(table.mediaId, table.id),
    index('moderation_log_moderator').on(table.moderatorId),
  ],
);

/** Ordered collections. An item's own visibility still holds: a private one stays private. */
export const albums = pgTable(
  'albums',
  {
    id: uuid().primaryKey(),
    ownerId: uuid().notNull(),
    ownerUsername: text().notNull(),
    title: text().notNull(),
    description: text().notNull().default(''),
    visibility: visibility().notNull().default('public'),
    createdAt: instant().notNull().defaultNow(),
    updatedAt: instant().notNull().defaultNow(),
  },
  (table) => [
    index('albums_owner').on(table.ownerId, table.id),
    index('albums_public').on(table.id).where(sql`${table.visibility} = 'public'`),
  ],
);

export const albumItems = pgTable(
  'album_items',
  {
    albumId: uuid()
      .notNull()
      .references(() => albums.id, { onDelete: 'cascade' }),
    mediaId: uuid()
      .notNull()
      .references(() => media.id, { onDelete: 'cascade' }),
    /** Sparse: between two there is room. */
    position: doublePrecision().notNull(),
    addedAt: instant().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.albumId, table.mediaId] }),
    index('album_items_order').on(table.albumId, table.position, table.mediaId),
    index('album_items_media').on(table.mediaId),
  ],
);

/** What is made of a media: thumbnails, posters, waveforms, HLS; seen by whoever may see the media. */
export const renditions = pgTable(
  'renditions',
  {
    mediaId: uuid()
      .notNull()
      .references(() => media.id, { onDelete: 'cascade' }),
    /** Such as `thumbnail-320.webp` or `hls/master.m3u8`. */
    name: text().notNull(),
    blobKey: text().notNull(),
    mimeType: text().notNull(),
    size: bigint({ mode: 'number' }).notNull(),
    sha256: text().notNull(),
    width: integer(),
    height: integer(),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.mediaId, table.name] })],
);

/** Keys of signed URLs; the newest signs, older ones still open what they signed. */
export const urlKeys = pgTable('url_keys', {
  id: text().primaryKey(),
  secret: text().notNull(),
  createdAt: instant().notNull().defaultNow(),
});
