CREATE TABLE "verification_keys" (
	"kid" text PRIMARY KEY NOT NULL,
	"jwk" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "revocations" ADD COLUMN "kids" text[] DEFAULT '{}' NOT NULL;