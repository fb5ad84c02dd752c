import type { Db, Executor, Tx } from '@tertulia/shared/db/database';
import { and, asc, eq, getTableColumns, inArray, isNotNull, lt, sql } from 'drizzle-orm';
import { media } from '../db/schema.ts';
import { type MediaRow, tagKey } from './media.schema.ts';

export type NewMedia = Omit<typeof media.$inferInsert, 'tagKeys' | 'search'>;

const { search: _, ...columns } = getTableColumns(media);
/** All but what only Postgres looks at. */
export const mediaColumns = columns;

const keysOf = (tags: readonly string[] = []) => [...new Set(tags.map(tagKey))];

/** Prepared once per database: every page and every byte range asks for it. */
export function prepareFindMedia(db: Db) {
  const query = db
    .select(mediaColumns)
    .from(media)
    .where(eq(media.id, sql.placeholder('id')))
    .prepare('find_media');
  return async (id: string): Promise<MediaRow | undefined> => (await query.execute({ id }))[0];
}

export async function insertMedia(tx: Tx, row: NewMedia): Promise<MediaRow> {
  const [inserted] = await tx
    .insert(media)
    .values({ ...row, tagKeys: keysOf(row.tags) })
    .returning(mediaColumns);
  if (inserted === undefined) throw new Error('insert returned no row');
  return inserted;
}

export async function lockMedia(tx: Tx, id: string): Promise<MediaRow | undefined> {
  const [row] = await tx.select(mediaColumns).from(media).where(eq(media.id, id)).for('update');
  return row;
}

/** Some of an owner's, locked: the oldest first. */
export async function lockMediaOf(tx: Tx, ownerId: string, limit: number): Promise<MediaRow[]> {
  return tx
    .select(mediaColumns)
    .from(media)
    .where(eq(media.ownerId, ownerId))
    .orderBy(asc(media.id))
    .limit(limit)
    .for('update');
}

/** What may change after a media has come to be; never its bytes, nor whose it is. */
export type Change = Partial<
  Pick<
    MediaRow,
    | 'title'
    | 'description'
    | 'visibility'
    | 'tags'
    | 'keepMetadata'
    | 'hiddenAt'
    | 'hiddenReason'
    | 'deletedAt'
    | 'deletedBy'
  >
>;

export async function updateMedia(tx: Tx, id: string, change: Change): Promise<MediaRow> {
  const [row] = await tx
    .update(media)
    .set({
      ...change,
      ...(change.tags === undefined ? {} : { tagKeys: keysOf(change.tags) }),
      // Never the same instant twice: the ETag is made of it.
      updatedAt: sql`greatest(now(), ${media.updatedAt} + interval '1 millisecond')`,
    })
    .where(eq(media.id, id))
    .returning(mediaColumns);
  if (row === undefined) throw new Error('the locked row is gone');
  return row;
}

/** Counts, of which nothing else depends: the media is as it was. */
export async function countMedia(
  tx: Tx,
  id: string,
  counts: Partial<Pick<MediaRow, 'likes' | 'openReports' | 'reportedAt'>>,
): Promise<MediaRow> {
  const [row] = await tx.update(media).set(counts).where(eq(media.id, id)).returning(mediaColumns);
  if (row === undefined) throw new Error('the locked row is gone');
  return row;
}

/** Some that have been in the trash for so long, locked; another replica's are left to it. */
export async function lockOldTrash(tx: Tx, days: number, limit: number): Promise<MediaRow[]> {
  return tx
    .select(mediaColumns)
    .from(media)
    .where(lt(media.deletedAt, sql`now() - ${days}::int * interval '1 day'`))
    .orderBy(asc(media.deletedAt))
    .limit(limit)
    .for('update', { skipLocked: true });
}

/** Nobody (RFC 9562, 5.9), in the place of who has gone: it was another than the owner all the same. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Forgets who has put other people's media into the trash. Returns how many those were, at most `limit`. */
export async function forgetDeleter(db: Executor, userId: string, limit: number): Promise<number> {
  const some = db
    .select({ id: media.id })
    .from(media)
    .where(and(isNotNull(media.deletedAt), eq(media.deletedBy, userId)))
    .limit(limit);
  const rows = await db
    .update(media)
    .set({ deletedBy: NOBODY })
    .where(inArray(media.id, some))
    .returning({ id: media.id });
  return rows.length;
}

export async function deleteMediaRows(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.delete(media).where(inArray(media.id, [...ids]));
}
