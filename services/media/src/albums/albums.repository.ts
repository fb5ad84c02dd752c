import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import { albums } from '../db/schema.ts';
import type { AlbumChange, AlbumRow } from './albums.schema.ts';

type NewAlbumRow = typeof albums.$inferInsert;

export async function findAlbum(db: Executor, id: string): Promise<AlbumRow | undefined> {
  const [row] = await db.select().from(albums).where(eq(albums.id, id));
  return row;
}

/** Whoever changes an album or its items holds its row, so that they take turns. */
export async function lockAlbum(tx: Tx, id: string): Promise<AlbumRow | undefined> {
  const [row] = await tx.select().from(albums).where(eq(albums.id, id)).for('update');
  return row;
}

type Page = { ownerId: string | undefined; all: boolean; after: string | undefined; limit: number };

/** Newest first, public ones unless `all`; one row more than asked for, when there is more. */
export async function listAlbums(db: Executor, { ownerId, all, after, limit }: Page): Promise<AlbumRow[]> {
  return db
    .select()
    .from(albums)
    .where(
      and(
        ownerId === undefined ? undefined : eq(albums.ownerId, ownerId),
        all ? undefined : sql`visibility = 'public'`,
        after === undefined ? undefined : lt(albums.id, after),
      ),
    )
    .orderBy(desc(albums.id))
    .limit(limit + 1);
}

export async function insertAlbum(tx: Tx, values: NewAlbumRow): Promise<AlbumRow> {
  const [row] = await tx.insert(albums).values(values).returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

/** Its items are part of it: a change of theirs, too, moves `updatedAt`, never to the same instant twice. */
export async function updateAlbum(tx: Tx, id: string, change: AlbumChange): Promise<AlbumRow> {
  const [row] = await tx
    .update(albums)
    .set({ ...change, updatedAt: sql`greatest(now(), ${albums.updatedAt} + interval '1 millisecond')` })
    .where(eq(albums.id, id))
    .returning();
  if (row === undefined) throw new Error('the locked row is gone');
  return row;
}

export async function deleteAlbum(tx: Tx, id: string): Promise<void> {
  await tx.delete(albums).where(eq(albums.id, id));
}

/** Deletes some of an owner's, the oldest first. Returns how many. */
export async function deleteAlbumsOf(db: Executor, ownerId: string, limit: number): Promise<number> {
  const some = db
    .select({ id: albums.id })
    .from(albums)
    .where(eq(albums.ownerId, ownerId))
    .orderBy(asc(albums.id))
    .limit(limit);
  const gone = await db.delete(albums).where(inArray(albums.id, some)).returning({ id: albums.id });
  return gone.length;
}
