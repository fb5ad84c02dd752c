import { createRoute } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import { idParam } from '@tertulia/shared/http/fields';
import { Problem } from '@tertulia/shared/http/problem';
import { problemResponses, type Router } from '@tertulia/shared/http/router';
import { patient } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import { octets, patchHeaders, responseHeaders, tags, tusVersion, UPLOAD } from './tus.ts';
import { deleteUploadOf } from './uploads.delete.ts';
import { headUpload } from './uploads.head.ts';
import { patchUpload } from './uploads.patch.ts';

/** For clients behind proxies that let only GET and POST through. */
export function mountOverride(router: Router, deps: Deps): void {
  const { guards } = deps;
  router.openapi(
    createRoute({
      method: 'post',
      path: UPLOAD,
      tags,
      summary: 'PATCH, DELETE or HEAD by way of POST',
      description: 'The method that is meant stands in `X-HTTP-Method-Override`.',
      ...declareAccess('user'),
      middleware: [tusVersion, guards.user.middleware, patient] as const,
      request: { params: idParam, headers: patchHeaders, body: octets },
      responses: {
        200: { description: 'As HEAD answers.', headers: responseHeaders },
        204: { description: 'As the method that is meant answers.', headers: responseHeaders },
        ...problemResponses(
          'malformed_request',
          'unauthenticated',
          'forbidden',
          'not_found',
          'method_not_allowed',
          'upload_offset_mismatch',
          'upload_gone',
          'unsupported_tus_version',
          'upload_too_large',
          'quota_exceeded',
          'unsupported_media_type',
          'unprocessable_media',
          'upload_locked',
          'checksum_mismatch',
          'unavailable',
          'insufficient_storage',
        ),
      },
    }),
    (c) => {
      const { id } = c.req.valid('param');
      const { caller } = c.var;
      // MUST: the header, if present, is the request's method.
      switch (c.req.header('X-HTTP-Method-Override')?.toUpperCase()) {
        case 'PATCH':
          return patchUpload(deps, c, caller, id);
        case 'DELETE':
          return deleteUploadOf(deps, c, caller, id);
        case 'HEAD':
          return headUpload(deps, c, caller, id);
        default:
          throw new Problem('method_not_allowed', undefined, { headers: { Allow: 'HEAD, PATCH, DELETE' } });
      }
    },
  );
}
