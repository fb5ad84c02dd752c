DROP INDEX "refresh_tokens_session";--> statement-breakpoint
ALTER TABLE "refresh_tokens" ADD COLUMN "place" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "refresh_tokens_session" ON "refresh_tokens" USING btree ("session_id","place");