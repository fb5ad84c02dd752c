import type { Executor, Tx } from '@tertulia/shared/db/database';
import type { Caller } from '@tertulia/shared/http/context';
import { and, asc, eq, gt, ne, sql } from 'drizzle-orm';
import { albumItems, media } from '../db/schema.ts';
import { mediaColumns } from '../media/media.repository.ts';
import { visibleTo } from '../media/visibility.ts';

/** Room between two neighbours. It is halved by each that comes between, and made anew when it is used up. */
const GAP = 1024;

type Place = { position: number; mediaId: string };

/** Those that the caller may see, in order; one row more than asked for, when there is more. */
export async function listItems(
  db: Executor,
  caller: Caller | undefined,
  albumId: string,
  after: Place | undefined,
  limit: number,
) {
  return db
    .select({ media: mediaColumns, position: albumItems.position })
    .from(albumItems)
    .innerJoin(media, eq(media.id, albumItems.mediaId))
    .where(
      and(
        eq(albumItems.albumId, albumId),
        visibleTo(caller),
        after &&
          sql`(${albumItems.position}, ${albumItems.mediaId}) > (${after.position}::float8, ${after.mediaId}::uuid)`,
      ),
    )
    .orderBy(asc(albumItems.position), asc(albumItems.mediaId))
    .limit(limit + 1);
}

export const countItems = (tx: Tx, albumId: string) => tx.$count(albumItems, eq(albumItems.albumId, albumId));

export async function positionOf(tx: Tx, albumId: string, mediaId: string): Promise<number | undefined> {
  const [row] = await tx
    .select({ position: albumItems.position })
    .from(albumItems)
    .where(and(eq(albumItems.albumId, albumId), eq(albumItems.mediaId, mediaId)));
  return row?.position;
}

/**
 * A position between `after` and whatever follows it, which is not `mediaId` itself; undefined when there is no
 * room left. With `after` null, before all; with `'last'`, behind all.
 */
export async function placeAfter(
  tx: Tx,
  albumId: string,
  mediaId: string,
  after: number | null | 'last',
): Promise<number | undefined> {
  const others = and(eq(albumItems.albumId, albumId), ne(albumItems.mediaId, mediaId));
  if (after === 'last') {
    const [row] = await tx
      .select({ last: sql<number | null>`max(${albumItems.position})` })
      .from(albumItems)
      .where(others);
    return (row?.last ?? 0) + GAP;
  }
  const [next] = await tx
    .select({ position: albumItems.position })
    .from(albumItems)
    .where(and(others, after === null ? undefined : gt(albumItems.position, after)))
    .orderBy(asc(albumItems.position))
    .limit(1);
  if (next === undefined) return (after ?? 0) + GAP;
  if (after === null) return next.position - GAP;
  const middle = (after + next.position) / 2;
  return middle > after && middle < next.position ? middle : undefined;
}

/** Makes room everywhere; the order stays. */
export async function renumber(tx: Tx, albumId: string): Promise<void> {
  await tx.execute(sql`
    update album_items set position = numbered.place * ${GAP}::float8
    from (
      select media_id, row_number() over (order by position, media_id) as place
      from album_items where album_id = ${albumId}::uuid
    ) as numbered
    where album_items.album_id = ${albumId}::uuid and album_items.media_id = numbered.media_id`);
}

export async function putItem(tx: Tx, albumId: string, mediaId: string, position: number): Promise<void> {
  await tx
    .insert(albumItems)
    .values({ albumId, mediaId, position })
    .onConflictDoUpdate({ target: [albumItems.albumId, albumItems.mediaId], set: { position } });
}

/** False when it was not there. */
export async function deleteItem(tx: Tx, albumId: string, mediaId: string): Promise<boolean> {
  const gone = await tx
    .delete(albumItems)
    .where(and(eq(albumItems.albumId, albumId), eq(albumItems.mediaId, mediaId)))
    .returning({ mediaId: albumItems.mediaId });
  return gone.length === 1;
}
