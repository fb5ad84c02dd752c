ALTER TABLE "uploads" ADD COLUMN "concat_header" text;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "by_mark" boolean DEFAULT false NOT NULL;