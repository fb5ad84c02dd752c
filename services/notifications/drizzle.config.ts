import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  casing: 'snake_case',
  schema: [
    './src/db/schema.ts',
    '../../shared/events/tables.ts',
    '../../shared/http/idempotency.ts',
    '../../shared/departures/tables.ts',
    '../../shared/tokens/tables.ts',
  ],
  out: process.env.DRIZZLE_OUT ?? './drizzle',
});
