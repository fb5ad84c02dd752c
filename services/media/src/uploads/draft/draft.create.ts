import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../../deps.ts';
import type { MediaEnv } from '../../env.ts';
import type { CallerContext } from '../../request-context.ts';
import { interrupted, type Stored, storeBody } from '../append.ts';
import { insertReserved, newUpload } from '../new-upload.ts';
import { UPLOADS } from '../tus.ts';
import { discard, type OpenUpload, withUpload } from '../uploads.service.ts';
import { answerProgress, conclusion } from './draft.answers.ts';
import { bodyLength, booleanHeader, inconsistent, integerItem, limitOf } from './draft.ts';
import { filenameOf } from './filename.ts';

/** Makes an upload of the draft's way: it is complete when its client says so. */
export async function createDraft(deps: Deps, c: CallerContext, begin: () => Promise<unknown>) {
  const { env } = deps;
  const { caller } = c.var;
  // MUST: an answer with 413 has the limits.
  c.header('Upload-Limit', limitOf(env));
  const isLast = booleanHeader(c, 'Upload-Complete');
  if (isLast === undefined) throw new Problem('malformed_request', 'Upload-Complete is ?0 or ?1.');
  const length = readLength(c, isLast);
  if (length !== undefined && length > env.MEDIA_MAX_SIZE) throw tooLarge(env);
  const upload = newUpload(c, caller, undefined, filenameOf(c.req.header('Content-Disposition')));
  await begin();
  const { id } = await insertReserved(deps, { ...upload, length: length ?? null, byMark: true });
  return withUpload(deps, caller, id, async (open) => {
    const stored = await storeOrDiscard(deps, c, open);
    if (isLast) return conclusion(deps, c, stored);
    // MUST: Location, and the limits, which go with every answer of the draft.
    c.header('Location', `${UPLOADS}/${id}`);
    answerProgress(c, deps.env, stored);
    return c.body(null, 201);
  });
}

const tooLarge = ({ MEDIA_MAX_SIZE }: MediaEnv) =>
  new Problem('upload_too_large', `Files are at most ${MEDIA_MAX_SIZE} bytes.`);

/** MUST: what tells the length in two ways tells it alike. */
function readLength(c: CallerContext, isLast: boolean): number | undefined {
  const told = integerItem(c, 'Upload-Length');
  const body = bodyLength(c);
  if (told !== undefined && body !== undefined && (isLast ? body !== told : body > told))
    throw inconsistent();
  return told ?? (isLast ? body : undefined);
}

/** Without an interim answer nobody has heard of the upload yet: what comes to nothing does not stay. */
async function storeOrDiscard(deps: Deps, c: CallerContext, open: OpenUpload): Promise<Stored> {
  try {
    const stored = await storeBody(deps, c, open);
    if (stored.ending === 'enough') throw open.upload.length === null ? tooLarge(deps.env) : inconsistent();
    if (stored.ending !== 'complete')
      throw interrupted(stored.ending, open.hold.signal.reason, 'Nothing is stored.');
    return stored;
  } catch (error) {
    await discard(deps, open.upload);
    throw error;
  }
}
