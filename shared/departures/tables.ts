import { index, pgTable, timestamp, uuid } from 'drizzle-orm/pg-core';

/**
 * Users whose account is gone for good, and of whom this service keeps nothing. A row stays for some days, as
 * things may come late: a request that was under way, an event that was set aside.
 */
export const departures = pgTable(
  'departures',
  {
    userId: uuid().primaryKey(),
    /** When to look again whether something of theirs is here. */
    dueAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [index('departures_due').on(table.dueAt)],
);
