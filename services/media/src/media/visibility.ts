import { type Caller, hasRole } from '@tertulia/shared/http/context';
import { eq, or, type SQL } from 'drizzle-orm';
import { media } from '../db/schema.ts';
import type { MediaRow } from './media.schema.ts';

type Owned = Pick<MediaRow, 'ownerId' | 'visibility'>;

const isModerator = (caller: Caller | undefined) => caller !== undefined && hasRole(caller.role, 'MODERATOR');

/** Decides for a media and all its parts. Who may not see it is told that it does not exist. */
export function canSee(caller: Caller | undefined, media: Owned): boolean {
  return media.visibility !== 'private' || caller?.userId === media.ownerId || isModerator(caller);
}

/** Title, description, tags and visibility are the owner's alone. */
export function canEdit(caller: Caller, media: Owned): boolean {
  return caller.userId === media.ownerId;
}

export function canDelete(caller: Caller, media: Owned): boolean {
  return caller.userId === media.ownerId || isModerator(caller);
}

/** What lists show: who knows an unlisted media's id may see it, but lists do not give the id away. */
export function listedFor(caller: Caller | undefined): SQL | undefined {
  if (isModerator(caller)) return undefined;
  const open = eq(media.visibility, 'public');
  return caller === undefined ? open : or(open, eq(media.ownerId, caller.userId));
}
