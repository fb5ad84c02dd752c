import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, desc, eq, gte, inArray, lt, lte, type SQL } from 'drizzle-orm';
import { notifications, type PRIORITIES, recipients } from '../db/schema.ts';
import type { NotificationRow } from './inbox.schema.ts';

export async function insertNotification(tx: Tx, row: typeof notifications.$inferInsert): Promise<void> {
  await tx.insert(notifications).values(row);
}

export async function findNotification(
  db: Executor,
  userId: string,
  id: string,
): Promise<NotificationRow | undefined> {
  const [row] = await db
    .select()
    .from(notifications)
    .where(and(eq(notifications.id, id), eq(notifications.userId, userId)));
  return row;
}

type Filter = {
  unread?: boolean | undefined;
  type?: string | undefined;
  priority?: (typeof PRIORITIES)[number] | undefined;
  from?: string | undefined;
  to?: string | undefined;
  before?: string | undefined;
};

/** Newest first, as ids are UUIDv7; `before` is the last id of the page before. */
export function listNotifications(
  db: Executor,
  userId: string,
  filter: Filter,
  limit: number,
): Promise<NotificationRow[]> {
  const wanted: (SQL | undefined)[] = [eq(notifications.userId, userId)];
  if (filter.unread !== undefined) wanted.push(eq(notifications.read, !filter.unread));
  if (filter.type !== undefined) wanted.push(eq(notifications.type, filter.type));
  if (filter.priority !== undefined) wanted.push(eq(notifications.priority, filter.priority));
  if (filter.from !== undefined) wanted.push(gte(notifications.createdAt, new Date(filter.from)));
  if (filter.to !== undefined) wanted.push(lt(notifications.createdAt, new Date(filter.to)));
  if (filter.before !== undefined) wanted.push(lt(notifications.id, filter.before));
  return db
    .select()
    .from(notifications)
    .where(and(...wanted))
    .orderBy(desc(notifications.id))
    .limit(limit);
}

/** Marks unread ones read, and returns which they were. */
export async function markRead(
  tx: Tx,
  userId: string,
  which: { ids: string[] } | { upTo: number },
): Promise<string[]> {
  const rows = await tx
    .update(notifications)
    .set({ read: true })
    .where(
      and(
        eq(notifications.userId, userId),
        eq(notifications.read, false),
        'ids' in which ? inArray(notifications.id, which.ids) : lte(notifications.entryOffset, which.upTo),
      ),
    )
    .returning({ id: notifications.id });
  return rows.map(({ id }) => id);
}

export async function markUnread(tx: Tx, id: string, offset: number): Promise<void> {
  await tx.update(notifications).set({ read: false, entryOffset: offset }).where(eq(notifications.id, id));
}

export async function deleteNotification(tx: Tx, id: string): Promise<void> {
  await tx.delete(notifications).where(eq(notifications.id, id));
}

/** Deletes what somebody was told, at most `limit`, and returns how many there were. */
export async function deleteNotificationsOf(db: Executor, userId: string, limit: number): Promise<number> {
  const some = db
    .select({ id: notifications.id })
    .from(notifications)
    .where(eq(notifications.userId, userId))
    .limit(limit);
  const gone = await db
    .delete(notifications)
    .where(inArray(notifications.id, some))
    .returning({ id: notifications.id });
  return gone.length;
}

export async function forgetRecipient(tx: Tx, userId: string): Promise<void> {
  await tx.delete(recipients).where(eq(recipients.userId, userId));
}

export async function saveRecipient(tx: Tx, userId: string, locale: string): Promise<void> {
  await tx
    .insert(recipients)
    .values({ userId, locale })
    .onConflictDoUpdate({ target: recipients.userId, set: { locale } });
}

/** The language a user reads; English for one whose registration has not been heard of yet. */
export async function localeOf(tx: Tx, userId: string): Promise<string> {
  const [row] = await tx
    .select({ locale: recipients.locale })
    .from(recipients)
    .where(eq(recipients.userId, userId));
  return row?.locale ?? 'en';
}
