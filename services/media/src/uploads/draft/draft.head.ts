import type { Deps } from '../../deps.ts';
import type { CallerContext } from '../../request-context.ts';
import { conclude, isWhole } from '../conclude.ts';
import { withUpload } from '../uploads.service.ts';
import { limitOf } from './draft.ts';

/** Like tus's, this finishes what was interrupted after its last byte. */
export function headDraft(deps: Deps, c: CallerContext, id: string) {
  return withUpload(deps, c.var.caller, id, async ({ upload, offset: stored }) => {
    const { offset, mediaId } = await conclude(deps, upload, stored, undefined, c.var.traceparent);
    // MUST: offset, completeness, the length where it is known, and the limits.
    c.header('Upload-Offset', String(offset));
    c.header('Upload-Complete', isWhole(upload, offset) ? '?1' : '?0');
    if (upload.length !== null) c.header('Upload-Length', String(upload.length));
    c.header('Upload-Limit', limitOf(deps.env, mediaId === undefined ? upload : undefined));
    if (mediaId !== undefined) c.header('Media-Id', mediaId);
    // SHOULD: no cache keeps this.
    c.header('Cache-Control', 'no-store');
    return c.body(null, 204);
  });
}
