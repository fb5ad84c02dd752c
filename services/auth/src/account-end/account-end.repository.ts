import type { Db, Executor } from '@tertulia/shared/db/database';
import { heldIn } from '@tertulia/shared/departures/held';
import { and, asc, eq, inArray, lte, sql } from 'drizzle-orm';
import { auditEvents, users } from '../db/schema.ts';

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

/** Which of these users have an account, one that is about to go included. */
export async function whoLives(db: Executor, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .select({ id: users.id })
    .from(users)
    .where(inArray(users.id, [...ids]));
  return new Set(rows.map(({ id }) => id));
}

/** Which of these have gone for good, as the audit log tells: it is kept for ever. */
export async function whoHasGone(db: Executor, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .select({ id: auditEvents.userId })
    .from(auditEvents)
    .where(and(inArray(auditEvents.userId, [...ids]), eq(auditEvents.action, 'user.deleted')));
  return new Set(rows.flatMap(({ id }) => id ?? []));
}

/** Users whom anything personal here names, besides their own account. */
export const heldUsers = heldIn(
  (after, limit) => sql`
    select distinct user_id from audit_personal
    where user_id > ${after}::uuid order by user_id limit ${limit}`,
);
