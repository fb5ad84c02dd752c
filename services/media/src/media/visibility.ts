import { type Caller, hasRole } from '@tertulia/shared/http/context';
import type { MediaRow } from './media.schema.ts';

/** All that decides who may see a media. */
export type Seen = Pick<MediaRow, 'ownerId' | 'visibility' | 'hiddenAt' | 'deletedAt'>;

type Owned = Pick<Seen, 'ownerId'>;

export const isModerator = (caller: Caller | undefined) =>
  caller !== undefined && hasRole(caller.role, 'MODERATOR');

/**
 * Decides for a media and all its parts. Who may not see it is told that it does not exist. A private or hidden
 * one is seen by its owner and moderators; what is in the trash by nobody: its owner finds it there alone.
 */
export function canSee(caller: Caller | undefined, media: Seen): boolean {
  if (media.deletedAt !== null) return false;
  if (media.visibility !== 'private' && media.hiddenAt === null) return true;
  return caller?.userId === media.ownerId || isModerator(caller);
}

/** Title, description, tags and visibility are the owner's alone. */
export function canEdit(caller: Caller, media: Owned): boolean {
  return caller.userId === media.ownerId;
}

export function canDelete(caller: Caller, media: Owned): boolean {
  return caller.userId === media.ownerId || isModerator(caller);
}
