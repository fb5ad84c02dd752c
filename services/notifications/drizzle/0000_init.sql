CREATE TYPE "public"."priority" AS ENUM('low', 'medium', 'high', 'critical');--> statement-breakpoint
CREATE TABLE "notifications" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"entry_offset" bigint NOT NULL,
	"type" text NOT NULL,
	"title" text NOT NULL,
	"message" text NOT NULL,
	"priority" "priority" NOT NULL,
	"data" jsonb NOT NULL,
	"read" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "recipients" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"locale" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stream_entries" (
	"channel" text NOT NULL,
	"entry_offset" bigint NOT NULL,
	"data" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stream_entries_channel_entry_offset_pk" PRIMARY KEY("channel","entry_offset")
);
--> statement-breakpoint
CREATE TABLE "stream_epoch" (
	"only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"value" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "streams" (
	"channel" text PRIMARY KEY NOT NULL,
	"last_offset" bigint DEFAULT 0 NOT NULL,
	"unread" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"event_id" uuid NOT NULL,
	"subject" text NOT NULL,
	"envelope" text NOT NULL,
	"seq" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "outbox_head" (
	"only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"seq" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "outbox_head_one_row" CHECK ("outbox_head"."only")
);
--> statement-breakpoint
CREATE TABLE "outbox_readers" (
	"reader" text PRIMARY KEY NOT NULL,
	"position" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "set_aside" (
	"source" text NOT NULL,
	"seq" bigint NOT NULL,
	"subject" text NOT NULL,
	"envelope" text NOT NULL,
	"error" text,
	"tries" integer DEFAULT 0 NOT NULL,
	"dead" boolean DEFAULT false NOT NULL,
	"due_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "set_aside_source_seq_pk" PRIMARY KEY("source","seq")
);
--> statement-breakpoint
CREATE TABLE "stream_positions" (
	"source" text PRIMARY KEY NOT NULL,
	"position" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"caller" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"answer" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_caller_key_pk" PRIMARY KEY("caller","key")
);
--> statement-breakpoint
CREATE INDEX "notifications_user" ON "notifications" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "notifications_user_offset" ON "notifications" USING btree ("user_id","entry_offset");--> statement-breakpoint
CREATE INDEX "stream_entries_created" ON "stream_entries" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "outbox_unpublished" ON "outbox" USING btree ("id") WHERE "outbox"."seq" is null;--> statement-breakpoint
CREATE INDEX "outbox_seq" ON "outbox" USING btree ("seq");--> statement-breakpoint
CREATE INDEX "set_aside_subject" ON "set_aside" USING btree ("source","subject","seq");