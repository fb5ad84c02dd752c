import type { Caller } from '@tertulia/shared/http/context';
import type { MediaRow } from './media.schema.ts';

type Bytes = Pick<MediaRow, 'ownerId' | 'keepMetadata' | 'sha256' | 'redactedSha256'>;

/**
 * Who gets the bytes as they came, with what a camera wrote into them: the owner alone, moderators not either,
 * unless the owner lets it go out with the rest.
 */
export function seesOriginal(caller: Pick<Caller, 'userId'> | undefined, media: Bytes): boolean {
  return media.keepMetadata || caller?.userId === media.ownerId;
}

/** The digest of the bytes that this caller gets. */
export function sha256For(caller: Pick<Caller, 'userId'> | undefined, media: Bytes): string {
  return seesOriginal(caller, media) ? media.sha256 : (media.redactedSha256 ?? media.sha256);
}
