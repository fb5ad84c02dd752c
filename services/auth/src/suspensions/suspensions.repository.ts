import type { Db, Tx } from '@tertulia/shared/db/database';
import { asc, lte, sql } from 'drizzle-orm';
import { updateUser } from '../accounts/accounts.repository.ts';
import { users } from '../db/schema.ts';

/** Users whose suspension is over, the longest over first. */
export async function dueSuspensions(db: Db, limit: number): Promise<string[]> {
  const rows = await db
    .select({ id: users.id })
    .from(users)
    .where(lte(users.suspendedUntil, sql`now()`))
    .orderBy(asc(users.suspendedUntil))
    .limit(limit);
  return rows.map(({ id }) => id);
}

export async function clearSuspension(tx: Tx, id: string): Promise<void> {
  await updateUser(tx, id, {
    suspendedAt: null,
    suspendedUntil: null,
    suspensionReason: null,
    suspendedBy: null,
  });
}
