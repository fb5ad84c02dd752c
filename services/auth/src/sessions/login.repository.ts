import type { Db } from '@tertulia/shared/db/database';
import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import { knownDevices, users } from '../db/schema.ts';

/** An account by its key, and whether it knows the device; one query, whether it exists or not. */
export function prepareFindForLogin(db: Db) {
  const query = db
    .select({ ...getTableColumns(users), knownDevice: knownDevices.hash })
    .from(users)
    .leftJoin(
      knownDevices,
      and(eq(knownDevices.userId, users.id), eq(knownDevices.hash, sql.placeholder('device'))),
    )
    .where(eq(users.emailKey, sql.placeholder('account')))
    .prepare('find_for_login');
  return async (account: string, device: string) => {
    const [row] = await query.execute({ account, device });
    if (row === undefined) return { user: undefined, knowsDevice: false };
    const { knownDevice, ...user } = row;
    return { user, knowsDevice: knownDevice !== null };
  };
}
