import type { Db } from '@tertulia/shared/db/database';
import { asc, lte, sql } from 'drizzle-orm';
import { users } from '../db/schema.ts';

/** Accounts whose time to be restored is over, the longest over first. */
export async function dueDeletions(db: Db, limit: number): Promise<string[]> {
  const rows = await db
    .select({ id: users.id })
    .from(users)
    .where(lte(users.deleteAt, sql`now()`))
    .orderBy(asc(users.deleteAt))
    .limit(limit);
  return rows.map(({ id }) => id);
}
