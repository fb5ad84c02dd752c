import type { Caller } from '@tertulia/shared/http/context';
import { seesOriginal } from '../media/original.ts';
import { canSee } from '../media/visibility.ts';
import type { Deliverable } from './content.repository.ts';

const FRESH_SECONDS = 60;

/** What goes out differs by who asks, or may: what has not been looked into is taken to. */
export const isRedacted = ({ keepMetadata, redactions }: Deliverable) =>
  !keepMetadata && redactions?.length !== 0;

/**
 * Shared caches keep what anybody may find. What only those see who were given its address, browsers alone
 * keep, and what not everybody may see, or only its owner gets like this, nothing keeps. A signed URL's answer
 * is kept no longer than the URL is good for.
 */
export function cacheControl(caller: Caller | undefined, media: Deliverable, secondsLeft?: number): string {
  if (!canSee(undefined, media)) return 'private, no-store';
  if (isRedacted(media) && seesOriginal(caller, media)) return 'private, no-store';
  const seconds = Math.min(FRESH_SECONDS, secondsLeft ?? FRESH_SECONDS);
  const whose = media.visibility === 'public' && secondsLeft === undefined ? 'public' : 'private';
  return `${whose}, max-age=${seconds}`;
}
