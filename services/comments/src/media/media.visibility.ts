import { type Caller, hasRole } from '@tertulia/shared/http/context';
import type { MediaRow } from './media.repository.ts';

/**
 * The one function that decides who may see a media, and with it everything that was said about it. Public
 * and unlisted: anyone who has the id; private: its owner and moderators; deleted: nobody.
 */
export function canSee(caller: Caller | undefined, media: MediaRow | undefined): media is MediaRow {
  if (media === undefined || media.deletedAt !== null) return false;
  if (media.visibility !== 'private') return true;
  return caller !== undefined && (caller.userId === media.ownerId || hasRole(caller.role, 'MODERATOR'));
}
