ALTER TEXT SEARCH CONFIGURATION public.media_words ALTER MAPPING FOR numhword, hword_numpart, numword WITH unaccent, simple;--> statement-breakpoint
-- Punctuation parts words: the parser would else take `summer.2024.jpg` for a host, and find no `2024` in it.
CREATE OR REPLACE FUNCTION media_search(title text, description text, tags text[]) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT setweight(to_tsvector('public.media_words', regexp_replace(lower(title), bounds, ' ', 'g')), 'A')
		|| setweight(to_tsvector('public.media_words', regexp_replace(lower(array_to_string(tags, ' ')), bounds, ' ', 'g')), 'B')
		|| setweight(to_tsvector('public.media_words', regexp_replace(lower(description), bounds, ' ', 'g')), 'C')
	FROM (SELECT '[!-/:-@\[-`{-~\u00a0-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u2000-\u206f\u3000-\u303f]+') AS given (bounds)
$$;--> statement-breakpoint
DROP INDEX "media_tags";--> statement-breakpoint
DROP INDEX "media_reported";--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "tag_keys" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "media" ADD COLUMN "reported_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "media_listed_owner" ON "media" USING btree ("owner_id","id") WHERE visibility = 'public' and hidden_at is null and deleted_at is null;--> statement-breakpoint
CREATE INDEX "media_tag_keys" ON "media" USING gin ("tag_keys");--> statement-breakpoint
CREATE INDEX "media_own_trash" ON "media" USING btree ("owner_id","deleted_at","id") WHERE "media"."deleted_at" is not null;--> statement-breakpoint
CREATE INDEX "moderation_log_moderator" ON "moderation_log" USING btree ("moderator_id");--> statement-breakpoint
CREATE INDEX "media_reported" ON "media" USING btree ("reported_at","id") WHERE "media"."reported_at" is not null;--> statement-breakpoint
UPDATE "media" SET "tag_keys" = coalesce((SELECT array_agg(DISTINCT lower(tag)) FROM unnest("tags") AS tag), '{}'), "title" = "title";--> statement-breakpoint
-- What a moderator did stays as it was; only who it was is forgotten with the account.
CREATE FUNCTION moderation_log_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND new.moderator_id IS NULL AND to_jsonb(old) - 'moderator_id' = to_jsonb(new) - 'moderator_id' THEN
		RETURN new;
	END IF;
	RAISE EXCEPTION 'the moderation log is append-only' USING ERRCODE = 'restrict_violation';
END
$$;--> statement-breakpoint
CREATE TRIGGER moderation_log_change BEFORE UPDATE OR DELETE ON "moderation_log" FOR EACH ROW EXECUTE FUNCTION moderation_log_keep();--> statement-breakpoint
CREATE TRIGGER moderation_log_truncate BEFORE TRUNCATE ON "moderation_log" FOR EACH STATEMENT EXECUTE FUNCTION moderation_log_keep();
