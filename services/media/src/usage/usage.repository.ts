import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, eq, sql } from 'drizzle-orm';
import { usage } from '../db/schema.ts';

export type UsageRow = typeof usage.$inferSelect;

export async function findUsage(db: Executor, userId: string): Promise<UsageRow | undefined> {
  const [row] = await db.select().from(usage).where(eq(usage.userId, userId));
  return row;
}

/** False when it would not fit. The check is in the statement that locks the row: parallel ones queue up. */
export async function addReserved(tx: Tx, userId: string, bytes: number, limit: number): Promise<boolean> {
  const rows = await tx.execute(sql`
    insert into usage (user_id, reserved_bytes)
    select ${userId}::uuid, ${bytes}::bigint
    where ${bytes}::bigint <= ${limit}::bigint or exists (select 1 from usage where user_id = ${userId}::uuid)
    on conflict (user_id) do update set reserved_bytes = usage.reserved_bytes + excluded.reserved_bytes
    where usage.used_bytes + usage.reserved_bytes + excluded.reserved_bytes
      <= coalesce(usage.quota_bytes, ${limit}::bigint)
    returning 1`);
  return rows.length === 1;
}

export async function dropReserved(tx: Tx, userId: string, bytes: number): Promise<void> {
  await tx
    .update(usage)
    .set({ reservedBytes: sql`${usage.reservedBytes} - ${bytes}::bigint` })
    .where(eq(usage.userId, userId));
}

/** One file more, for which `reserved` bytes were held. */
export async function addUsed(tx: Tx, userId: string, size: number, reserved: number): Promise<UsageRow> {
  const [row] = await tx
    .insert(usage)
    .values({ userId, usedBytes: size, files: 1 })
    .onConflictDoUpdate({
      target: usage.userId,
      set: {
        usedBytes: sql`${usage.usedBytes} + ${size}::bigint`,
        reservedBytes: sql`${usage.reservedBytes} - ${reserved}::bigint`,
        files: sql`${usage.files} + 1`,
      },
    })
    .returning();
  if (row === undefined) throw new Error('upsert returned no row');
  return row;
}

type Freed = { ownerId: string; size: number };

/** Files that are gone, of whomever; rows are locked in one order. */
export async function dropUsed(tx: Tx, freed: readonly Freed[]): Promise<void> {
  const owners = sql.param(freed.map(({ ownerId }) => ownerId));
  const sizes = sql.param(freed.map(({ size }) => size));
  await tx.execute(sql`
    with freed as (
      select owner_id, sum(size) as bytes, count(*) as files
      from unnest(${owners}::uuid[], ${sizes}::bigint[]) as gone (owner_id, size) group by owner_id
    ), locked as materialized (
      select user_id from usage where user_id in (select owner_id from freed) order by user_id for update
    )
    update usage set used_bytes = used_bytes - freed.bytes, files = usage.files - freed.files
    from freed join locked on locked.user_id = freed.owner_id where usage.user_id = freed.owner_id`);
}

/** Returns the row as it is now. */
export async function writeQuota(tx: Tx, userId: string, quotaBytes: number | null): Promise<UsageRow> {
  const [row] = await tx
    .insert(usage)
    .values({ userId, quotaBytes })
    .onConflictDoUpdate({ target: usage.userId, set: { quotaBytes } })
    .returning();
  if (row === undefined) throw new Error('upsert returned no row');
  return row;
}

/** Where nothing is left to count: what still is would be counted below zero later. */
export async function deleteUsage(db: Executor, userId: string): Promise<void> {
  await db
    .delete(usage)
    .where(and(eq(usage.userId, userId), eq(usage.usedBytes, 0), eq(usage.reservedBytes, 0)));
}
