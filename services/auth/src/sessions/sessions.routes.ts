import { createRoute } from '@hono/zod-openapi';
import { createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { revokeSession } from './sessions.repository.ts';
import { refreshBody, tokensSchema } from './sessions.schema.ts';
import { refresh } from './sessions.service.ts';

const tags = ['Sessions'];
const badBody = ['malformed_json', 'body_too_large', 'unsupported_media_type', 'invalid_fields'] as const;

export function sessionsRoutes(deps: Deps) {
  const { db, guards } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/refresh',
      tags,
      summary: 'Exchange a refresh token for new tokens',
      description:
        'A refresh token works once. Using it again ends its session, except within 10 s of its first use and while its successor is unused: then the same successor is given.',
      request: { body: jsonBody(refreshBody) },
      responses: {
        200: json(tokensSchema, 'New tokens.'),
        ...problemResponses(...badBody, 'invalid_refresh_token'),
      },
    }),
    async (c) => {
      const tokens = await refresh(deps, c.req.valid('json').refreshToken);
      c.header('Cache-Control', 'no-store');
      return c.json(tokens, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/logout',
      tags,
      summary: 'End this session',
      ...guards.user,
      responses: { 204: { description: 'It is over.' }, ...problemResponses('unauthenticated') },
    }),
    async (c) => {
      await revokeSession(db, c.var.caller.sessionId);
      return c.body(null, 204);
    },
  );

  return router;
}
