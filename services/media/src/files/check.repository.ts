import type { Db } from '@tertulia/shared/db/database';
import { sql } from 'drizzle-orm';

/** A blob that a media, or its rendition of a name, needs. */
export type Owned = { id: string; name: string; key: string; size: number };

/** Those of some keys that anything names: a media, a rendition, an upload, or a note that it must go. */
export async function knownKeys(db: Db, keys: readonly string[]): Promise<Set<string>> {
  const wanted = sql`array[${sql.join(
    keys.map((key) => sql`${key}`),
    sql`, `,
  )}]::text[]`;
  const rows = await db.execute<{ key: string }>(sql`
    select blob_key as key from media where blob_key = any(${wanted})
    union select blob_key from renditions where blob_key = any(${wanted})
    union select blob_key from uploads where blob_key = any(${wanted})
    union select key from removals where place = 'blob' and key = any(${wanted})`);
  return new Set(rows.map(({ key }) => key));
}

/** Whether an upload under way has bytes in this generation, or under this id of the store's. */
export async function isUnderWay(
  db: Db,
  of: { id: string; generation: number } | { storeRef: string },
): Promise<boolean> {
  const which =
    'storeRef' in of
      ? sql`store_ref = ${of.storeRef}`
      : sql`id = ${of.id}::uuid and generation = ${of.generation}`;
  const [row] = await db.execute(sql`select 1 from uploads where media_id is null and ${which} limit 1`);
  return row !== undefined;
}

/** Blobs that media need, by the id of the media. */
export async function mediaBlobs(db: Db, after: Owned | undefined, limit: number): Promise<Owned[]> {
  return owned(
    await db.execute<Row>(sql`
    select id::text, '' as name, blob_key as key, size from media
    where id > ${after?.id ?? NIL}::uuid order by id limit ${limit}`),
  );
}

/** Blobs that renditions need, by media and name. */
export async function renditionBlobs(db: Db, after: Owned | undefined, limit: number): Promise<Owned[]> {
  return owned(
    await db.execute<Row>(sql`
    select media_id::text as id, name, blob_key as key, size from renditions
    where (media_id, name) > (${after?.id ?? NIL}::uuid, ${after?.name ?? ''}::text)
    order by media_id, name limit ${limit}`),
  );
}

const NIL = '00000000-0000-0000-0000-000000000000';
type Row = { id: string; name: string; key: string; size: string };

const owned = (rows: readonly Row[]): Owned[] =>
  rows.map(({ id, name, key, size }) => ({ id, name, key, size: Number(size) }));

/** Shared blobs whose count is not that of their media, some of them. */
export async function miscounted(db: Db, limit: number): Promise<string[]> {
  const rows = await db.execute<{ key: string }>(sql`
    select b.key from blobs b
    where b.refs <> (select count(*) from media m where m.blob_key = b.key) limit ${limit}`);
  return rows.map(({ key }) => key);
}
