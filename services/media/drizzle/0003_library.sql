CREATE EXTENSION IF NOT EXISTS unaccent;--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION public.media_words (COPY = pg_catalog.simple);--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION public.media_words ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;--> statement-breakpoint
CREATE FUNCTION media_search(title text, description text, tags text[]) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT setweight(to_tsvector('public.media_words', title), 'A')
		|| setweight(to_tsvector('public.media_words', array_to_string(tags, ' ')), 'B')
		|| setweight(to_tsvector('public.media_words', description), 'C')
$$;--> statement-breakpoint
CREATE TYPE "public"."concat_kind" AS ENUM('partial', 'final');--> statement-breakpoint
CREATE TYPE "public"."moderation_action" AS ENUM('hide', 'restore', 'remove');--> statement-breakpoint
CREATE TYPE "public"."report_reason" AS ENUM('spam', 'abuse', 'violence', 'nudity', 'copyright', 'other');--> statement-breakpoint
CREATE TABLE "album_items" (
	"album_id" uuid NOT NULL,
	"media_id" uuid NOT NULL,
	"position" double precision NOT NULL,
	"added_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "album_items_album_id_media_id_pk" PRIMARY KEY("album_id","media_id")
);
--> statement-breakpoint
CREATE TABLE "albums" (
	"id" uuid PRIMARY KEY NOT NULL,
	"owner_id" uuid NOT NULL,
	"owner_username" text NOT NULL,
	"title" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"visibility" "visibility" DEFAULT 'public' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "blobs" (
	"sha256" text PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"size" bigint NOT NULL,
	"refs" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "blobs_key_unique" UNIQUE("key"),
	CONSTRAINT "blobs_refs" CHECK ("blobs"."refs" >= 0)
);
--> statement-breakpoint
CREATE TABLE "likes" (
	"media_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "likes_media_id_user_id_pk" PRIMARY KEY("media_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "moderation_log" (
	"id" uuid PRIMARY KEY NOT NULL,
	"media_id" uuid NOT NULL,
	"moderator_id" uuid,
	"action" "moderation_action" NOT NULL,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "renditions" (
	"media_id" uuid NOT NULL,
	"name" text NOT NULL,
	"blob_key" text NOT NULL,
	"mime_type" text NOT NULL,
	"size" bigint NOT NULL,
	"sha256" text NOT NULL,
	"width" integer,
	"height" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "renditions_media_id_name_pk" PRIMARY KEY("media_id","name")
);
--> statement-breakpoint
CREATE TABLE "reports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"media_id" uuid NOT NULL,
	"reporter_id" uuid NOT NULL,
	"reason" "report_reason" NOT NULL,
	"note" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"decided_at" timestamp with time zone,
	CONSTRAINT "reports_once" UNIQUE("media_id","reporter_id")
);
--> statement-breakpoint
CREATE TABLE "url_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"secret" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"used_bytes" bigint DEFAULT 0 NOT NULL,
	"reserved_bytes" bigint DEFAULT 0 NOT NULL,
	"files" integer DEFAULT 0 NOT NULL,
	"quota_bytes" bigint,
	CONSTRAINT "usage_not_negative" CHECK ("usage"."used_bytes" >= 0 and "usage"."reserved_bytes" >= 0)
);
--> statement-breakpoint
ALTER TABLE "media" DROP CONSTRAINT "media_blobKey_unique";--> statement-breakpoint
ALTER TABLE "uploads" DROP CONSTRAINT "uploads_blobKey_unique";--> statement-breakpoint
DROP INDEX "media_public";--> statement-breakpoint
DROP INDEX "media_public_kind";--> statement-breakpoint
ALTER TABLE "uploads" ALTER COLUMN "length" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "keep_metadata" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "hidden_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "hidden_reason" text;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "redactions" jsonb;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "redacted_sha256" text;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "open_reports" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "deleted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "deleted_by" uuid;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "search" "tsvector" GENERATED ALWAYS AS (media_search(title, description, tags)) STORED;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "concat" "concat_kind";--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "parts" uuid[];--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "fence" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "locked_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "generation" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "wanted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "store_ref" text;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "reserved" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "expires_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "album_items" ADD CONSTRAINT "album_items_album_id_albums_id_fk" FOREIGN KEY ("album_id") REFERENCES "public"."albums"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "album_items" ADD CONSTRAINT "album_items_media_id_media_id_fk" FOREIGN KEY ("media_id") REFERENCES "public"."media"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "likes" ADD CONSTRAINT "likes_media_id_media_id_fk" FOREIGN KEY ("media_id") REFERENCES "public"."media"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "renditions" ADD CONSTRAINT "renditions_media_id_media_id_fk" FOREIGN KEY ("media_id") REFERENCES "public"."media"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reports" ADD CONSTRAINT "reports_media_id_media_id_fk" FOREIGN KEY ("media_id") REFERENCES "public"."media"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "album_items_order" ON "album_items" USING btree ("album_id","position","media_id");--> statement-breakpoint
CREATE INDEX "album_items_media" ON "album_items" USING btree ("media_id");--> statement-breakpoint
CREATE INDEX "albums_owner" ON "albums" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "albums_public" ON "albums" USING btree ("id") WHERE "albums"."visibility" = 'public';--> statement-breakpoint
CREATE INDEX "likes_user" ON "likes" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "moderation_log_media" ON "moderation_log" USING btree ("media_id","id");--> statement-breakpoint
CREATE INDEX "reports_open" ON "reports" USING btree ("id") WHERE "reports"."decided_at" is null;--> statement-breakpoint
CREATE INDEX "reports_reporter" ON "reports" USING btree ("reporter_id");--> statement-breakpoint
CREATE INDEX "media_owner_size" ON "media" USING btree ("owner_id","size","id");--> statement-breakpoint
CREATE INDEX "media_listed" ON "media" USING btree ("id") WHERE visibility = 'public' and hidden_at is null and deleted_at is null;--> statement-breakpoint
CREATE INDEX "media_listed_kind" ON "media" USING btree ("kind","id") WHERE visibility = 'public' and hidden_at is null and deleted_at is null;--> statement-breakpoint
CREATE INDEX "media_listed_size" ON "media" USING btree ("size","id") WHERE visibility = 'public' and hidden_at is null and deleted_at is null;--> statement-breakpoint
CREATE INDEX "media_tags" ON "media" USING gin ("tags");--> statement-breakpoint
CREATE INDEX "media_search" ON "media" USING gin ("search");--> statement-breakpoint
CREATE INDEX "media_blob" ON "media" USING btree ("blob_key");--> statement-breakpoint
CREATE INDEX "media_trash" ON "media" USING btree ("deleted_at") WHERE "media"."deleted_at" is not null;--> statement-breakpoint
CREATE INDEX "media_reported" ON "media" USING btree ("open_reports","id") WHERE "media"."open_reports" > 0;--> statement-breakpoint
CREATE INDEX "uploads_expires" ON "uploads" USING btree ("expires_at") WHERE "uploads"."expires_at" is not null;--> statement-breakpoint
INSERT INTO "usage" ("user_id", "used_bytes", "files") SELECT "owner_id", sum("size"), count(*) FROM "media" GROUP BY "owner_id";--> statement-breakpoint
INSERT INTO "blobs" ("sha256", "key", "size", "refs") SELECT DISTINCT ON ("sha256") "sha256", "blob_key", "size", 1 FROM "media" ORDER BY "sha256", "id";
