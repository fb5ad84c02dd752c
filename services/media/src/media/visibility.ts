import { type Caller, hasRole } from '@tertulia/shared/http/context';
import { and, eq, isNull, ne, or, type SQL } from 'drizzle-orm';
import { media } from '../db/schema.ts';
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
export function canSee(caller: Caller | undefined, row: Seen): boolean {
  if (row.deletedAt !== null) return false;
  if (row.visibility !== 'private' && row.hiddenAt === null) return true;
  return caller?.userId === row.ownerId || isModerator(caller);
}

/** {@link canSee} as a condition on rows. */
export function visibleTo(caller: Caller | undefined): SQL | undefined {
  const kept = isNull(media.deletedAt);
  if (isModerator(caller)) return kept;
  const open = and(ne(media.visibility, 'private'), isNull(media.hiddenAt));
  return and(kept, caller === undefined ? open : or(open, eq(media.ownerId, caller.userId)));
}

/** Title, description, tags and visibility are the owner's alone. */
export function canEdit(caller: Caller, row: Owned): boolean {
  return caller.userId === row.ownerId;
}

export function canDelete(caller: Caller, row: Owned): boolean {
  return caller.userId === row.ownerId || isModerator(caller);
}
