import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Deliverable } from '../content/content.repository.ts';
import { canSee, isModerator } from '../media/visibility.ts';
import type { Grant, Signer } from './signed-token.ts';

/** A moderator looks at it, and passes it on no longer than that takes. */
const MODERATOR_SECONDS = 3600;

/**
 * What may be signed by this caller.
 *
 * @throws {Problem} `not_found`; `conflict` while no link would open it, as it is hidden or in the trash
 */
export function grantFor(caller: Caller | undefined, media: Deliverable | undefined, seconds: number): Grant {
  if (media === undefined || !canSee(caller, media)) throw new Problem('not_found');
  const signer = signerOf(caller, media);
  if (!isOpenTo(signer, media))
    throw new Problem('conflict', 'No link opens what is hidden or in the trash.');
  const most = signer === 'moderator' ? Math.min(seconds, MODERATOR_SECONDS) : seconds;
  return { mediaId: media.id, signer, expiresAt: Math.floor(Date.now() / 1000) + most };
}

/**
 * Whether a link of such a signer opens the media as it is now. To who holds a link of its owner, or of a
 * moderator, a private one is as an unlisted one: all else keeps it from him as it does from anybody.
 */
export function isOpenTo(signer: Signer, media: Deliverable): boolean {
  return canSee(undefined, signer === 'anyone' ? media : { ...media, visibility: 'unlisted' });
}

function signerOf(caller: Caller | undefined, media: Deliverable): Signer {
  if (caller?.userId === media.ownerId) return 'owner';
  return media.visibility === 'private' && isModerator(caller) ? 'moderator' : 'anyone';
}
