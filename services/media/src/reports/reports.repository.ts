import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, asc, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import { media, reports } from '../db/schema.ts';
import { mediaColumns } from '../media/media.repository.ts';
import type { MediaRow } from '../media/media.schema.ts';
import type { OpenReports, Report } from './reports.schema.ts';

const NOTES = 5;

/** False when this user has reported it before. */
export async function insertReport(
  tx: Tx,
  mediaId: string,
  reporterId: string,
  { reason, note }: Report,
): Promise<boolean> {
  const rows = await tx
    .insert(reports)
    .values({ id: Bun.randomUUIDv7(), mediaId, reporterId, reason, note: note || null })
    .onConflictDoNothing()
    .returning({ id: reports.id });
  return rows.length === 1;
}

export async function decideReports(tx: Tx, mediaId: string): Promise<void> {
  await tx
    .update(reports)
    .set({ decidedAt: new Date() })
    .where(and(eq(reports.mediaId, mediaId), isNull(reports.decidedAt)));
}

type Place = { at: number; id: string };

/** Media with open reports, the longest waiting first; one row more than asked for, when there is more. */
export async function listReported(
  db: Executor,
  after: Place | undefined,
  limit: number,
): Promise<MediaRow[]> {
  return db
    .select(mediaColumns)
    .from(media)
    .where(
      and(
        isNotNull(media.reportedAt),
        isNull(media.deletedAt),
        after &&
          sql`(${media.reportedAt}, ${media.id}) > (${new Date(after.at).toISOString()}::timestamptz, ${after.id}::uuid)`,
      ),
    )
    .orderBy(asc(media.reportedAt), asc(media.id))
    .limit(limit + 1);
}

/** What is open on each of them: one query, whatever their number. */
export async function openReportsOn(db: Executor, ids: readonly string[]): Promise<Map<string, OpenReports>> {
  if (ids.length === 0) return new Map();
  const counted = db
    .select({ mediaId: reports.mediaId, reason: reports.reason, count: sql`count(*)`.as('count') })
    .from(reports)
    .where(and(inArray(reports.mediaId, [...ids]), isNull(reports.decidedAt)))
    .groupBy(reports.mediaId, reports.reason)
    .as('counted');
  const rows = await db
    .select({
      mediaId: counted.mediaId,
      reasons: sql<Record<string, number>>`jsonb_object_agg(${counted.reason}, ${counted.count})`,
      notes: sql<string[]>`array(
        select note from reports where reports.media_id = ${counted.mediaId} and decided_at is null and note is not null
        order by id desc limit ${NOTES})`,
    })
    .from(counted)
    .groupBy(counted.mediaId);
  return new Map(rows.map((row) => [row.mediaId, row]));
}

/** Some of a user's, in the order of their media. */
export async function reportsOf(
  db: Executor,
  reporterId: string,
  limit: number,
): Promise<{ id: string; mediaId: string }[]> {
  return db
    .select({ id: reports.id, mediaId: reports.mediaId })
    .from(reports)
    .where(eq(reports.reporterId, reporterId))
    .orderBy(reports.mediaId)
    .limit(limit);
}

/** True when it was there, and still open. */
export async function deleteReport(tx: Tx, id: string): Promise<boolean> {
  const [row] = await tx
    .delete(reports)
    .where(eq(reports.id, id))
    .returning({ decidedAt: reports.decidedAt });
  return row !== undefined && row.decidedAt === null;
}

export async function oldestOpen(tx: Tx, mediaId: string): Promise<Date | null> {
  const [row] = await tx
    .select({ at: reports.createdAt })
    .from(reports)
    .where(and(eq(reports.mediaId, mediaId), isNull(reports.decidedAt)))
    .orderBy(asc(reports.createdAt))
    .limit(1);
  return row?.at ?? null;
}
