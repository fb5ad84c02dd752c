import type { Db, Executor, Tx } from '@tertulia/shared/db/database';
import type { Role } from '@tertulia/shared/http/context';
import { and, desc, eq, lt, or, type SQL, sql } from 'drizzle-orm';
import { users } from '../db/schema.ts';
import type { UserRow } from './accounts.schema.ts';

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
  const [row] = await tx.select().from(users).where(eq(users.id, id)).for('update');
  return row;
}

export async function updateUser(tx: Tx, id: string, change: Partial<NewUser>): Promise<UserRow | undefined> {
  const [row] = await tx
    .update(users)
    .set({ ...change, updatedAt: new Date() })
    .where(eq(users.id, id))
    .returning();
  return row;
}

/** A new role, and a new generation: access tokens with the old role are outdated. */
export async function setRole(tx: Tx, id: string, role: Role): Promise<UserRow | undefined> {
  return updateUser(tx, id, { role, generation: sql`${users.generation} + 1` as unknown as number });
}

export async function adminExists(db: Executor): Promise<boolean> {
  return (await db.select({ id: users.id }).from(users).where(eq(users.role, 'ADMIN')).limit(1)).length > 0;
}

type ListFilter = { q?: string | undefined; role?: Role | undefined; before?: string | undefined };

/** Newest first, as ids are UUIDv7; `before` is the last id of the page before. */
export function listUsers(db: Executor, { q, role, before }: ListFilter, limit: number): Promise<UserRow[]> {
  const wanted: (SQL | undefined)[] = [];
  if (q !== undefined) {
    const prefix = `${keyOf(q).replace(/[\\%_]/g, '\\$&')}%`;
    wanted.push(or(sql`${users.usernameKey} like ${prefix}`, sql`${users.emailKey} like ${prefix}`));
  }
  if (role !== undefined) wanted.push(eq(users.role, role));
  if (before !== undefined) wanted.push(lt(users.id, before));
  return db
    .select()
    .from(users)
    .where(and(...wanted))
    .orderBy(desc(users.id))
    .limit(limit);
}
