import { defineConfig } from 'drizzle-kit';

/** Only the tests of shared code use these: every service has migrations of its own. */
export default defineConfig({
  dialect: 'postgresql',
  casing: 'snake_case',
  schema: [
    './testing/schema.ts',
    './events/tables.ts',
    './http/idempotency.ts',
    './tokens/tables.ts',
    './departures/tables.ts',
  ],
  out: process.env.DRIZZLE_OUT ?? './testing/drizzle',
});
