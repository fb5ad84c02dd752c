import type { Db, Executor, Tx } from '@tertulia/shared/db/database';
import { and, asc, desc, eq, gt, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import { auditEvents, auditPersonal, auditSeals } from '../db/schema.ts';
import type { AuditAction } from './audit.ts';

/** All that is sealed of an event, the instant to the microsecond that Postgres keeps. */
const sealedColumns = {
  id: auditEvents.id,
  at: sql<string>`to_char(${auditEvents.at} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
  action: auditEvents.action,
  actorId: auditEvents.actorId,
  userId: auditEvents.userId,
  sessionId: auditEvents.sessionId,
  before: auditEvents.before,
  after: auditEvents.after,
  personalHash: auditEvents.personalHash,
};

export type SealRow = typeof auditSeals.$inferSelect;
export type SealedRow = Awaited<ReturnType<typeof unsealedRows>>[number];

/** One sealer at a time, until the transaction ends; another lock than that of the process which leads. */
export async function lockSeals(tx: Tx): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('audit-chain'))`);
}

export function unsealedRows(tx: Executor, limit: number) {
  return tx
    .select(sealedColumns)
    .from(auditEvents)
    .where(isNull(auditEvents.sealId))
    .orderBy(asc(auditEvents.id))
    .limit(limit);
}

export async function lastSeal(db: Executor): Promise<SealRow | undefined> {
  const [row] = await db.select().from(auditSeals).orderBy(desc(auditSeals.id)).limit(1);
  return row;
}

export async function insertSeal(tx: Tx, seal: typeof auditSeals.$inferInsert): Promise<void> {
  await tx.insert(auditSeals).values(seal);
  const ids = seal.rows.map(([id]) => id);
  await tx.update(auditEvents).set({ sealId: seal.id }).where(inArray(auditEvents.id, ids));
}

/** Seals after an id, in order. */
export function sealsAfter(db: Executor, id: number, limit: number): Promise<SealRow[]> {
  return db.select().from(auditSeals).where(gt(auditSeals.id, id)).orderBy(asc(auditSeals.id)).limit(limit);
}

/** Rows of one seal with what is left of their personal data, in pages of at most `limit`. */
export async function* rowsOfSeal(db: Executor, sealId: number, limit: number) {
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const page = await db
      .select({ event: sealedColumns, personal: auditPersonal })
      .from(auditEvents)
      .leftJoin(auditPersonal, eq(auditPersonal.eventId, auditEvents.id))
      .where(and(eq(auditEvents.sealId, sealId), gt(auditEvents.id, after)))
      .orderBy(asc(auditEvents.id))
      .limit(limit);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < limit) return;
    after = last.event.id;
  }
}

/** A row that names a seal which is not there: seals are known to run from 1 to `last`. */
export async function rowBeyondSeals(db: Executor, last: number) {
  const [row] = await db
    .select({ id: auditEvents.id, sealId: auditEvents.sealId })
    .from(auditEvents)
    .where(or(gt(auditEvents.sealId, last), lt(auditEvents.sealId, 1)))
    .orderBy(asc(auditEvents.sealId), asc(auditEvents.id))
    .limit(1);
  return row;
}

/** Personal data of an event that does not exist. */
export async function strayPersonal(db: Executor): Promise<number | undefined> {
  const [row] = await db
    .select({ eventId: auditPersonal.eventId })
    .from(auditPersonal)
    .leftJoin(auditEvents, eq(auditEvents.id, auditPersonal.eventId))
    .where(isNull(auditEvents.id))
    .orderBy(asc(auditPersonal.eventId))
    .limit(1);
  return row?.eventId;
}

export function countUnsealed(db: Executor): Promise<number> {
  return db.$count(auditEvents, isNull(auditEvents.sealId));
}

type Filter = {
  userId?: string | undefined;
  action?: AuditAction | undefined;
  before?: number | undefined;
};

/** Newest first, each with its personal data while they exist; `before` is the last id of the page before. */
export function listEvents(db: Executor, { userId, action, before }: Filter, limit: number) {
  const wanted: (SQL | undefined)[] = [];
  if (userId !== undefined) wanted.push(eq(auditEvents.userId, userId));
  if (action !== undefined) wanted.push(eq(auditEvents.action, action));
  if (before !== undefined) wanted.push(lt(auditEvents.id, before));
  return db
    .select({ event: auditEvents, personal: auditPersonal })
    .from(auditEvents)
    .leftJoin(auditPersonal, eq(auditPersonal.eventId, auditEvents.id))
    .where(and(...wanted))
    .orderBy(desc(auditEvents.id))
    .limit(limit);
}

/** Erases what names a user; the events stay, and stay sealed. */
export async function erasePersonal(tx: Tx, userId: string): Promise<void> {
  await tx.delete(auditPersonal).where(eq(auditPersonal.userId, userId));
}

/**
 * Erases personal data of events before an instant, among the `limit` oldest. Returns how many there were:
 * fewer than `limit` means that the rest is younger, as ids grow with time.
 */
export async function eraseOldPersonal(db: Db, before: Date, limit: number): Promise<number> {
  const oldest = db
    .select({ eventId: auditPersonal.eventId })
    .from(auditPersonal)
    .orderBy(asc(auditPersonal.eventId))
    .limit(limit)
    .as('oldest');
  const old = db
    .select({ eventId: oldest.eventId })
    .from(oldest)
    .innerJoin(auditEvents, eq(auditEvents.id, oldest.eventId))
    .where(lt(auditEvents.at, before));
  const gone = await db
    .delete(auditPersonal)
    .where(inArray(auditPersonal.eventId, old))
    .returning({ eventId: auditPersonal.eventId });
  return gone.length;
}
