import type { Tx } from '@tertulia/shared/db/database';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import { lockMedia } from '../media/media.repository.ts';
import { canSee, isModerator } from '../media/visibility.ts';
import { deleteAlbum, insertAlbum, lockAlbum, updateAlbum } from './albums.repository.ts';
import type { AlbumChange, AlbumRow, NewAlbum } from './albums.schema.ts';
import { canSeeAlbum } from './albums.visibility.ts';
import { countItems, deleteItem, placeAfter, positionOf, putItem, renumber } from './items.repository.ts';

export const MAX_ITEMS = 10_000;

/** Throws when the caller's condition does not hold for the album. */
type Condition = (album: AlbumRow) => void;

export function makeAlbum(tx: Tx, caller: Caller, album: NewAlbum): Promise<AlbumRow> {
  const owner = { ownerId: caller.userId, ownerUsername: caller.username };
  return insertAlbum(tx, { id: Bun.randomUUIDv7(), ...owner, ...album });
}

/** @throws {Problem} `not_found`, `forbidden` */
export async function changeAlbum(
  { db }: Deps,
  caller: Caller,
  id: string,
  change: AlbumChange,
  holds: Condition,
): Promise<AlbumRow> {
  return db.transaction(async (tx) => {
    const album = await lockOwn(tx, caller, id, holds);
    return Object.keys(change).length === 0 ? album : updateAlbum(tx, id, change);
  });
}

/** The album alone: what was in it stays where it was. @throws {Problem} `not_found`, `forbidden` */
export async function removeAlbum({ db }: Deps, caller: Caller, id: string, holds: Condition): Promise<void> {
  await db.transaction(async (tx) => {
    const album = await lockAlbum(tx, id);
    if (album === undefined || !canSeeAlbum(caller, album)) throw new Problem('not_found');
    if (caller.userId !== album.ownerId && !isModerator(caller)) {
      throw new Problem('forbidden', 'Only its owner or a moderator may delete it.');
    }
    holds(album);
    await deleteAlbum(tx, id);
  });
}

/**
 * Adds a media that the album's owner may see, or moves one that is in it.
 *
 * @throws {Problem} `not_found` for album, media, or `after`; `forbidden`; `conflict` when the album is full
 */
export async function placeItem(
  { db }: Deps,
  caller: Caller,
  { id, mediaId, after }: { id: string; mediaId: string; after: string | null | undefined },
  holds: Condition,
): Promise<AlbumRow> {
  return db.transaction(async (tx) => {
    const album = await lockOwn(tx, caller, id, holds);
    const row = await lockMedia(tx, mediaId);
    if (row === undefined || !canSee(caller, row)) throw new Problem('not_found', 'No such media.');
    const known = (await positionOf(tx, id, mediaId)) !== undefined;
    if ((known && after === undefined) || after === mediaId) return album;
    if (!known && (await countItems(tx, id)) >= MAX_ITEMS) {
      throw new Problem('conflict', `An album holds at most ${MAX_ITEMS} items.`);
    }
    const place = async () => placeAfter(tx, id, mediaId, await anchorOf(tx, id, after));
    let position = await place();
    if (position === undefined) {
      await renumber(tx, id);
      position = await place();
    }
    if (position === undefined) throw new Error('no room between two whole numbers');
    await putItem(tx, id, mediaId, position);
    return updateAlbum(tx, id, {});
  });
}

async function anchorOf(tx: Tx, albumId: string, after: string | null | undefined) {
  if (after === undefined) return 'last' as const;
  if (after === null) return null;
  const position = await positionOf(tx, albumId, after);
  if (position === undefined) throw new Problem('not_found', '`after` is not in the album.');
  return position;
}

/** @throws {Problem} `not_found` for album or item, `forbidden` */
export async function takeItem(
  { db }: Deps,
  caller: Caller,
  { id, mediaId }: { id: string; mediaId: string },
  holds: Condition,
): Promise<void> {
  await db.transaction(async (tx) => {
    await lockOwn(tx, caller, id, holds);
    if (!(await deleteItem(tx, id, mediaId))) throw new Problem('not_found', 'It is not in the album.');
    await updateAlbum(tx, id, {});
  });
}

async function lockOwn(tx: Tx, caller: Caller, id: string, holds: Condition): Promise<AlbumRow> {
  const album = await lockAlbum(tx, id);
  if (album === undefined || !canSeeAlbum(caller, album)) throw new Problem('not_found');
  if (caller.userId !== album.ownerId) throw new Problem('forbidden', 'Only its owner may change it.');
  holds(album);
  return album;
}
