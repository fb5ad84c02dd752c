import { bigint, index, integer, pgTable, timestamp, uuid } from 'drizzle-orm/pg-core';

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
    expiresAt: timestamp({ withTimezone: true }).notNull(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [index('revocations_expires').on(table.expiresAt)],
);
