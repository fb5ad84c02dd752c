import { createRoute } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import { idempotencyHeader } from '@tertulia/shared/http/idempotency';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import { patient } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import { mediaSchema } from '../media/media.schema.ts';
import { importBody } from './imports.schema.ts';
import { createImporter } from './imports.service.ts';

export function importsRoutes(deps: Deps) {
  const { env, guards } = deps;
  const started = deps.limits({ name: 'imports', points: env.IMPORTS_PER_MINUTE, seconds: 60 });
  const importFile = createImporter(deps);
  const router = createRouter();
  router.openapi(
    createRoute({
      method: 'post',
      path: '/media/imports',
      tags: ['Media'],
      summary: 'Import a file by its address',
      description:
        'Answers when the file is here. Public http and https addresses alone, redirects included; what comes is judged as any upload is.',
      ...declareAccess('user'),
      middleware: [guards.user.middleware, patient] as const,
      request: { headers: idempotencyHeader, body: jsonBody(importBody) },
      responses: {
        201: json(mediaSchema, 'The new media.'),
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'forbidden',
          'upload_too_large',
          'quota_exceeded',
          'unprocessable_media',
          'import_refused',
          'import_failed',
          'idempotency_key_reused',
          'rate_limited',
          'unavailable',
          'insufficient_storage',
        ),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      if (env.IMPORTS === 'off') throw new Problem('forbidden', 'Imports are turned off here.');
      await started.consume(caller.userId);
      const asked = { key: c.req.valid('header')['idempotency-key'], traceparent, gone: c.req.raw.signal };
      const { answer, replayed } = await importFile(caller, c.req.valid('json'), asked);
      if (replayed) c.header('Idempotency-Replayed', 'true');
      c.header('Location', answer.media.links.self);
      c.header('ETag', answer.etag);
      return c.json(answer.media, 201);
    },
  );
  return router;
}
