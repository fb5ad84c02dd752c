import { bigint, pgTable, text, uuid } from 'drizzle-orm/pg-core';

/** What consumers in the spine's tests do: one row an event. `place` tells in which order. */
export const effects = pgTable('effects', {
  place: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  eventId: uuid().notNull(),
  subject: text().notNull(),
  note: text().notNull(),
});
