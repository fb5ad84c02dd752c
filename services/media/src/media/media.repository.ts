import type { Db, Executor, Tx } from '@tertulia/shared/db/database';
import type { Caller } from '@tertulia/shared/http/context';
import { and, asc, desc, eq, gt, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { media } from '../db/schema.ts';
import type { ListQuery, MediaChange, MediaRow } from './media.schema.ts';
import { isModerator } from './visibility.ts';

export type NewMedia = typeof media.$inferInsert;

/** Prepared once per database: every page and every byte range asks for it. */
export function prepareFindMedia(db: Db) {
  const query = db
    .select()
    .from(media)
    .where(eq(media.id, sql.placeholder('id')))
    .prepare('find_media');
  return async (id: string): Promise<MediaRow | undefined> => (await query.execute({ id }))[0];
}

type ListOptions = Pick<ListQuery, 'kind' | 'visibility' | 'sort' | 'limit'> & {
  ownerId: string | undefined;
  after: string | undefined;
};

/** One row more than asked for, when there is more. */
export async function listMedia(
  db: Executor,
  caller: Caller | undefined,
  options: ListOptions,
): Promise<MediaRow[]> {
  const { ownerId, kind, visibility, sort, limit, after } = options;
  const beyond = sort === 'newest' ? lt : gt;
  return db
    .select()
    .from(media)
    .where(
      and(
        listedFor(caller, ownerId),
        ownerId === undefined ? undefined : eq(media.ownerId, ownerId),
        kind === undefined ? undefined : eq(media.kind, kind),
        visibility === undefined ? undefined : eq(media.visibility, visibility),
        after === undefined ? undefined : beyond(media.id, after),
      ),
    )
    .orderBy(sort === 'newest' ? desc(media.id) : asc(media.id))
    .limit(limit + 1);
}

/** The condition of the indexes on lists, word for word. */
export const LISTED = sql`visibility = 'public' and hidden_at is null and deleted_at is null`;

/**
 * What lists show: who knows an unlisted media's id may see it, but lists do not give the id away. All of one's
 * own, and to moderators all of an owner whom they ask for; other people's private ones are not theirs to browse.
 */
function listedFor(caller: Caller | undefined, ownerId: string | undefined) {
  if (caller === undefined) return LISTED;
  if (ownerId === caller.userId || (ownerId !== undefined && isModerator(caller)))
    return isNull(media.deletedAt);
  return or(LISTED, and(eq(media.ownerId, caller.userId), isNull(media.deletedAt)));
}

export async function insertMedia(tx: Tx, row: NewMedia): Promise<MediaRow> {
  const [inserted] = await tx.insert(media).values(row).returning();
  if (inserted === undefined) throw new Error('insert returned no row');
  return inserted;
}

export async function lockMedia(tx: Tx, id: string): Promise<MediaRow | undefined> {
  const [row] = await tx.select().from(media).where(eq(media.id, id)).for('update');
  return row;
}

/** Some of an owner's, locked: the oldest first. */
export async function lockMediaOf(tx: Tx, ownerId: string, limit: number): Promise<MediaRow[]> {
  return tx
    .select()
    .from(media)
    .where(eq(media.ownerId, ownerId))
    .orderBy(asc(media.id))
    .limit(limit)
    .for('update');
}

export async function updateMedia(tx: Tx, id: string, change: MediaChange): Promise<MediaRow> {
  const [row] = await tx
    .update(media)
    // Never the same instant twice: the ETag is made of it.
    .set({ ...change, updatedAt: sql`greatest(now(), ${media.updatedAt} + interval '1 millisecond')` })
    .where(eq(media.id, id))
    .returning();
  if (row === undefined) throw new Error('the locked row is gone');
  return row;
}

export async function deleteMedia(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.delete(media).where(inArray(media.id, [...ids]));
}
