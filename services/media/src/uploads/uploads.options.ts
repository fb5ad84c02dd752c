import { createRoute } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import type { Router } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { limitOf, PARTIAL_UPLOAD } from './draft/draft.ts';
import { OFFSET_OCTETS, optionsHeaders, TUS_EXTENSIONS, TUS_VERSION, tags, UPLOAD, UPLOADS } from './tus.ts';
import { CHECKSUM_ALGORITHMS } from './upload-checksum.ts';

export function mountOptions(router: Router, { env }: Deps): void {
  for (const path of [UPLOADS, UPLOAD]) {
    router.openapi(
      createRoute({
        method: 'options',
        path,
        tags,
        summary: 'What this server supports',
        ...open,
        responses: { 204: { description: 'In the headers.', headers: optionsHeaders } },
      }),
      (c) => {
        c.header('Tus-Resumable', TUS_VERSION);
        // MUST: Tus-Version; Tus-Extension when there are any.
        c.header('Tus-Version', TUS_VERSION);
        c.header('Tus-Extension', TUS_EXTENSIONS);
        c.header('Tus-Max-Size', String(env.MEDIA_MAX_SIZE));
        // MUST: with the extension checksum.
        c.header('Tus-Checksum-Algorithm', CHECKSUM_ALGORITHMS);
        // IETF draft, MUST: Accept-Patch names application/partial-upload.
        c.header('Accept-Patch', `${OFFSET_OCTETS}, ${PARTIAL_UPLOAD}`);
        c.header('Upload-Limit', limitOf(env));
        return c.body(null, 204);
      },
    );
  }
}
