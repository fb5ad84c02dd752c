import { createRoute } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import type { Caller } from '@tertulia/shared/http/context';
import { idParam } from '@tertulia/shared/http/fields';
import { problemResponses, type Router } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../request-context.ts';
import { plainHeaders, responseHeaders, tags, tusVersion, UPLOAD } from './tus.ts';
import { discard, withUpload } from './uploads.service.ts';

export function mountDelete(router: Router, deps: Deps): void {
  const { guards } = deps;
  router.openapi(
    createRoute({
      method: 'delete',
      path: UPLOAD,
      tags,
      summary: 'End an upload',
      description:
        'Its bytes are freed, and with a final upload those of its parts. A media that it became stays: that has a DELETE of its own.',
      ...declareAccess('user'),
      middleware: [tusVersion, guards.user.middleware] as const,
      request: { params: idParam, headers: plainHeaders },
      responses: {
        204: {
          description: 'It is gone.',
          headers: { 'Tus-Resumable': responseHeaders['Tus-Resumable'] },
        },
        ...problemResponses(
          'unauthenticated',
          'not_found',
          'upload_gone',
          'unsupported_tus_version',
          'upload_locked',
          'unavailable',
        ),
      },
    }),
    (c) => deleteUploadOf(deps, c, c.var.caller, c.req.valid('param').id),
  );
}

export function deleteUploadOf(deps: Deps, c: RequestContext, caller: Caller, id: string) {
  return withUpload(deps, caller, id, async ({ upload }) => {
    await discard(deps, upload);
    // termination, MUST: 204, and 404 from now on.
    return c.body(null, 204);
  });
}
