import type { Db, Executor, Tx } from '@tertulia/shared/db/database';
import type { Role } from '@tertulia/shared/http/context';
import {
  and,
  asc,
  desc,
  eq,
  gt,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import { users } from '../db/schema.ts';
import type { Status, UserRow } from './accounts.schema.ts';

export type NewUser = typeof users.$inferInsert;

/** Prepared once per database: every signed-in page asks for it. */
export function prepareFindUser(db: Db) {
  const query = db
    .select()
    .from(users)
    .where(eq(users.id, sql.placeholder('id')))
    .prepare('find_user');
  return async (id: string): Promise<UserRow | undefined> => (await query.execute({ id }))[0];
}

/** Lower case after NFKC: two spellings of one name are one name. */
export const keyOf = (name: string) => name.normalize('NFKC').toLowerCase();

export async function insertUser(tx: Executor, user: NewUser): Promise<UserRow> {
  const [row] = await tx.insert(users).values(user).returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

export async function findByEmail(db: Executor, email: string): Promise<UserRow | undefined> {
  const [row] = await db
    .select()
    .from(users)
    .where(eq(users.emailKey, keyOf(email)));
  return row;
}

export async function lockUser(tx: Tx, id: string): Promise<UserRow | undefined> {
  const query = tx.select().from(users).where(eq(users.id, id)).for('update');
  const [row] = await query.prepare('lock_user').execute();
  return row;
}

/** Several users, locked in one order, so that nobody waits in a circle. */
export async function lockUsers(tx: Tx, ids: readonly string[]): Promise<Map<string, UserRow>> {
  const rows = await tx
    .select()
    .from(users)
    .where(inArray(users.id, [...ids]))
    .orderBy(asc(users.id))
    .for('update');
  return new Map(rows.map((row) => [row.id, row]));
}

export async function updateUser(tx: Tx, id: string, change: Partial<NewUser>): Promise<UserRow | undefined> {
  const [row] = await tx
    .update(users)
    .set({ ...change, updatedAt: new Date() })
    .where(eq(users.id, id))
    .returning();
  return row;
}

/** Only the row: tokens with the old role are for `outdateTokens`. */
export async function setRole(tx: Tx, id: string, role: Role): Promise<UserRow | undefined> {
  return updateUser(tx, id, { role });
}

export async function deleteUser(tx: Tx, id: string): Promise<void> {
  await tx.delete(users).where(eq(users.id, id));
}

/** Who takes an administrator away takes this lock first, and so sees what others have taken. */
export async function lockAdmins(tx: Tx): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('administrators'))`);
}

/** True when there is an administrator besides `id` who can sign in. */
export async function otherAdminExists(tx: Tx, id: string): Promise<boolean> {
  const others = await tx
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.role, 'ADMIN'), ne(users.id, id), hasStatus('active')))
    .limit(1);
  return others.length > 0;
}

export async function adminExists(db: Executor): Promise<boolean> {
  return (await db.select({ id: users.id }).from(users).where(eq(users.role, 'ADMIN')).limit(1)).length > 0;
}

type ListFilter = {
  q?: string | undefined;
  role?: Role | undefined;
  status?: Status | undefined;
  before?: string | undefined;
};

/** The same as `statusOf`, for the database to say. */
function hasStatus(status: Status): SQL | undefined {
  const ending = isNotNull(users.deleteAt);
  const suspended = and(
    isNotNull(users.suspendedAt),
    or(isNull(users.suspendedUntil), gt(users.suspendedUntil, sql`now()`)),
  );
  if (status === 'deleting') return ending;
  const staying = isNull(users.deleteAt);
  if (status === 'suspended') return and(staying, suspended);
  return and(staying, or(isNull(users.suspendedAt), lte(users.suspendedUntil, sql`now()`)));
}

/** Newest first, as ids are UUIDv7; `before` is the last id of the page before. */
export function listUsers(
  db: Executor,
  { q, role, status, before }: ListFilter,
  limit: number,
): Promise<UserRow[]> {
  const wanted: (SQL | undefined)[] = [];
  if (q !== undefined) {
    const prefix = `${keyOf(q).replace(/[\\%_]/g, '\\$&')}%`;
    wanted.push(or(sql`${users.usernameKey} like ${prefix}`, sql`${users.emailKey} like ${prefix}`));
  }
  if (role !== undefined) wanted.push(eq(users.role, role));
  if (status !== undefined) wanted.push(hasStatus(status));
  if (before !== undefined) wanted.push(lt(users.id, before));
  return db
    .select()
    .from(users)
    .where(and(...wanted))
    .orderBy(desc(users.id))
    .limit(limit);
}
