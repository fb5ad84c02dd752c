CREATE TABLE "departures" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"due_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "departures_due" ON "departures" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "comments_author" ON "comments" USING btree ("author_id","id") WHERE "comments"."author_id" is not null;--> statement-breakpoint
CREATE INDEX "media_owner" ON "media" USING btree ("owner_id");--> statement-breakpoint
-- Of a deleted media only the mark is needed: what names its owner goes with it, and did not so far.
UPDATE "media" SET "owner_id" = '00000000-0000-0000-0000-000000000000', "owner_username" = '', "title" = '' WHERE "deleted_at" IS NOT NULL;
