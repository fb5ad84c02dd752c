import type { Db, Executor, Tx } from '@tertulia/shared/db/database';
import { eq, isNull, type Placeholder, sql } from 'drizzle-orm';
import { media } from '../db/schema.ts';

export type MediaRow = typeof media.$inferSelect;
export type MediaFacts = Omit<MediaRow, 'deletedAt' | 'hidden' | 'trashed'>;

const byId = (db: Executor, id: string | Placeholder) => db.select().from(media).where(eq(media.id, id));

/** Prepared once per database: every page asks for it. */
export function prepareFindMedia(db: Db) {
  const query = byId(db, sql.placeholder('id')).prepare('find_media');
  return async (id: string): Promise<MediaRow | undefined> => (await query.execute({ id }))[0];
}

export async function findMedia(tx: Tx, id: string): Promise<MediaRow | undefined> {
  return (await byId(tx, id))[0];
}

/** Learns of a media; one that is known is known better by later events. */
export async function addMedia(tx: Tx, facts: MediaFacts): Promise<void> {
  await tx.insert(media).values(facts).onConflictDoNothing();
}

/** Takes over what changed; a deleted media stays as it was. */
export async function updateMedia(tx: Tx, facts: MediaFacts): Promise<void> {
  await tx
    .insert(media)
    .values(facts)
    .onConflictDoUpdate({ target: media.id, set: facts, setWhere: isNull(media.deletedAt) });
}

/** Into the trash, out of it, hidden, shown again; a deleted media stays as it was. */
export async function markMedia(
  tx: Tx,
  facts: MediaFacts,
  mark: Partial<Pick<MediaRow, 'hidden' | 'trashed'>>,
): Promise<void> {
  const known = { ...facts, ...mark };
  await tx
    .insert(media)
    .values(known)
    .onConflictDoUpdate({ target: media.id, set: known, setWhere: isNull(media.deletedAt) });
}

/** The owner of what has none any more: the nil UUID (RFC 9562, 5.9). */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Kept as a row, also when nothing was known of it: the mark outlasts whatever comes late. Nobody sees it any
 * more, so that nothing else is kept.
 */
export async function markMediaDeleted(tx: Tx, facts: MediaFacts): Promise<void> {
  const mark = { ownerId: NOBODY, ownerUsername: '', title: '', deletedAt: new Date() };
  await tx
    .insert(media)
    .values({ ...facts, ...mark })
    .onConflictDoUpdate({ target: media.id, set: mark, setWhere: isNull(media.deletedAt) });
}
