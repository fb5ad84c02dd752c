import type { Caller } from '@tertulia/shared/http/context';
import { isModerator } from '../media/visibility.ts';
import type { AlbumRow } from './albums.schema.ts';

/** Of the album itself; its items are seen by whoever may see each. */
export function canSeeAlbum(caller: Caller | undefined, album: AlbumRow): boolean {
  return album.visibility !== 'private' || caller?.userId === album.ownerId || isModerator(caller);
}
