import { createRoute } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { deviceHeader } from '../sessions/devices.ts';
import { signedInBody, visitOf } from '../sessions/login.service.ts';
import { refreshCookieHeader } from '../sessions/refresh-cookie.ts';
import { signedInSchema } from '../sessions/sessions.schema.ts';
import { requestOptions, signInByPasskey } from './passkey-login.service.ts';
import { optionsSchema, passkeyLoginBody } from './passkeys.schema.ts';

const tags = ['Sessions'];

export function passkeyLoginRoutes(deps: Deps) {
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/login/passkey/options',
      tags,
      summary: 'Begin to sign in with a passkey',
      ...open,
      responses: {
        200: json(optionsSchema, 'For `navigator.credentials.get`, within five minutes.'),
        ...problemResponses('rate_limited'),
      },
    }),
    async (c) => {
      await deps.challengeLimit.consume(c.var.address);
      c.header('Cache-Control', 'no-store');
      return c.json({ ...(await requestOptions(deps)) }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/login/passkey',
      tags,
      summary: 'Sign in with a passkey',
      description:
        'With what `navigator.credentials.get` returned, as `toJSON()` gives it. It counts as password and second factor.',
      ...open,
      request: { body: jsonBody(passkeyLoginBody), headers: deviceHeader.extend(refreshCookieHeader.shape) },
      responses: {
        200: { ...json(signedInSchema, 'The user, signed in.'), headers: deviceHeader },
        ...problemResponses(
          ...badBody,
          'origin_not_allowed',
          'invalid_passkey',
          'account_suspended',
          'account_ending',
        ),
      },
    }),
    async (c) => {
      const { credential } = c.req.valid('json');
      return c.json(signedInBody(c, await signInByPasskey(deps, credential, visitOf(c))), 200);
    },
  );

  return router;
}
