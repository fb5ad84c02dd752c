import { createRoute } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { visitOf } from './login.service.ts';
import { refresh } from './refresh.service.ts';
import { byCookie, handOver, refreshCookieHeader } from './refresh-cookie.ts';
import { refreshBody, tokensSchema } from './sessions.schema.ts';

export function refreshRoutes(deps: Deps) {
  const { CORS_ORIGINS: origins } = deps.env;
  return createRouter().openapi(
    createRoute({
      method: 'post',
      path: '/auth/refresh',
      tags: ['Sessions'],
      summary: 'Exchange a refresh token for new tokens',
      description:
        'A refresh token works once. Using it again ends its session, except within 10 s of its first use and while its successor is unused: then the same successor is given. With `X-Refresh-Cookie: 1` the token is taken from the cookie, and there is no body.',
      ...open,
      middleware: byCookie(origins, async (c, token) => {
        if (token === '') throw new Problem('invalid_refresh_token');
        return c.json(handOver(c, await refresh(deps, token, visitOf(c))), 200);
      }),
      request: { body: jsonBody(refreshBody), headers: refreshCookieHeader },
      responses: {
        200: json(tokensSchema, 'New tokens.'),
        ...problemResponses(...badBody, 'invalid_refresh_token', 'origin_not_allowed'),
      },
    }),
    async (c) => {
      const { refreshToken } = c.req.valid('json');
      return c.json(handOver(c, await refresh(deps, refreshToken, visitOf(c))), 200);
    },
  );
}
