import { type Caller, hasRole } from '@tertulia/shared/http/context';
import type { MediaRow } from './media.repository.ts';

/**
 * The one function that decides who may see a media, and with it everything that was said about it. Public
 * and unlisted: anyone who has the id; private or hidden: its owner and moderators; in the trash or deleted: nobody.
 */
export function canSee(caller: Caller | undefined, media: MediaRow | undefined): media is MediaRow {
  if (media === undefined || media.deletedAt !== null || media.trashed) return false;
  if (media.visibility !== 'private' && !media.hidden) return true;
  return caller !== undefined && (caller.userId === media.ownerId || hasRole(caller.role, 'MODERATOR'));
}
