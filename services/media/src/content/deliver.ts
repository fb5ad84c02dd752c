import type { Caller } from '@tertulia/shared/http/context';
import type { Deps } from '../deps.ts';
import { lookInto } from '../inspection/backfill.ts';
import { seesOriginal, sha256For } from '../media/original.ts';
import type { RequestContext } from '../request-context.ts';
import { cacheControl, isRedacted } from './caching.ts';
import type { Deliverable, RenditionPart } from './content.repository.ts';
import { sendBytes } from './send-bytes.ts';

/** For whom it is, and how. `secondsLeft`: of a signed URL, which brings no caller. */
type To = { caller?: Caller | undefined; secondsLeft?: number; download: boolean };

/** Sends the original of a media that may be seen: with its metadata to its owner, without to others. */
export async function deliverContent(
  c: RequestContext,
  deps: Deps,
  found: Deliverable,
  { caller, secondsLeft, download }: To,
): Promise<Response> {
  // From before files were looked into: others get nothing of it until that is done.
  const media =
    found.redactions === null && !seesOriginal(caller, found)
      ? { ...found, ...(await lookInto(deps, found)) }
      : found;
  const { blobKey, size, mimeType, filename } = media;
  const redactions = seesOriginal(caller, media) ? [] : (media.redactions ?? []);
  const part = { blobKey, size, mimeType, filename, redactions, sha256: sha256For(caller, media) };
  return sendBytes(c, deps.blobs, part, {
    cacheControl: cacheControl(caller, media, secondsLeft),
    varies: isRedacted(media),
    secondsLeft,
    download,
  });
}

/** Sends what was made of a media that may be seen; nothing in it is for its owner alone. */
export async function deliverRendition(
  c: RequestContext,
  { blobs }: Deps,
  media: Deliverable,
  { name, ...rendition }: RenditionPart,
  { secondsLeft, download }: Omit<To, 'caller'>,
): Promise<Response> {
  const filename = name.slice(name.lastIndexOf('/') + 1);
  return sendBytes(
    c,
    blobs,
    { ...rendition, filename, redactions: [] },
    {
      cacheControl: cacheControl(undefined, { ...media, redactions: [] }, secondsLeft),
      varies: false,
      secondsLeft,
      download,
    },
  );
}
