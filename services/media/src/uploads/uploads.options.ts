import { createRoute } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import type { Router } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { optionsHeaders, TUS_EXTENSIONS, TUS_VERSION, tags, UPLOAD, UPLOADS } from './tus.ts';

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
        return c.body(null, 204);
      },
    );
  }
}
