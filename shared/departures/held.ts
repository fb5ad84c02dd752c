import { type SQL, sql } from 'drizzle-orm';
import type { Executor } from '../db/database.ts';

/** Of one shape, so that ids sort as text as they do as ids. */
export const UUID = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';

/** Reads ids of users of whom a service holds anything: those after `after`, in order, at most `limit`. */
export type ReadHeld = (db: Executor, after: string, limit: number) => Promise<string[]>;

/** Sorts before every id. */
export const FIRST_USER = '00000000-0000-0000-0000-000000000000';

/**
 * Makes one of the columns that hold user ids. Each is a query of `user_id`; what it selects from has an index
 * by which a page costs the same at any depth.
 */
export function heldIn(...columns: readonly ((after: string, limit: number) => SQL)[]): ReadHeld {
  return async (db, after, limit) => {
    const pages = columns.map((column) => sql`(${column(after, limit)})`);
    const rows = await db.execute<{ user_id: string }>(
      sql`select user_id from (${sql.join(pages, sql` union `)}) as held order by user_id limit ${limit}`,
    );
    return rows.map((row) => row.user_id);
  };
}

/** Callers of idempotent requests are kept for a day, with the answers they got. */
export const heldByKeys = (after: string, limit: number): SQL => sql`
  select caller::uuid as user_id from (
    select distinct caller from idempotency_keys
    where caller > ${after} and caller ~ ${UUID} order by caller limit ${limit}
  ) as callers`;
