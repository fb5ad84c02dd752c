import { bigint, index, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/**
 * What has been revoked and could still be shown: a row stays until the longest-lived access token concerned
 * has run out. Auth writes it, with `seq` from its own sequence; every other service keeps a copy, so that it
 * knows while auth is down.
 */
export const revocations = pgTable(
  'revocations',
  {
    seq: bigint({ mode: 'number' }).primaryKey().generatedByDefaultAsIdentity(),
    userId: uuid().notNull(),
    /** Sessions that are dead: none of their tokens counts any more. */
    sessionIds: uuid().array().notNull(),
    /** Tokens of the user that were signed for an earlier generation are outdated; null when none is. */
    minGeneration: integer(),
    /** Signing keys that have leaked: no token of theirs counts, whoever signed it. */
    kids: text().array().notNull().default([]),
    expiresAt: timestamp({ withTimezone: true }).notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [index('revocations_expires').on(table.expiresAt)],
);

/** Auth's public keys as they were fetched last. Auth itself leaves it empty. */
export const verificationKeys = pgTable('verification_keys', {
  kid: text().primaryKey(),
  jwk: jsonb().notNull(),
});
