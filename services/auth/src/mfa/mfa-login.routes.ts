import { createRoute } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { deviceHeader } from '../sessions/devices.ts';
import { signedInBody, visitOf } from '../sessions/login.service.ts';
import { refreshCookieHeader } from '../sessions/refresh-cookie.ts';
import { signedInSchema } from '../sessions/sessions.schema.ts';
import { mfaLoginBody } from './mfa.schema.ts';
import { finishSignIn } from './second-step.ts';

export function mfaLoginRoutes(deps: Deps) {
  return createRouter().openapi(
    createRoute({
      method: 'post',
      path: '/auth/login/mfa',
      tags: ['Sessions'],
      summary: 'Finish signing in with a second factor',
      description:
        'Takes the `mfaToken` of `403 mfa_required`, which is good for ten minutes, five wrong codes and one sign-in, and a code: of the authenticator app, or a recovery code. No code works twice.',
      ...open,
      request: { body: jsonBody(mfaLoginBody), headers: deviceHeader.extend(refreshCookieHeader.shape) },
      responses: {
        200: { ...json(signedInSchema, 'The user, signed in.'), headers: deviceHeader },
        ...problemResponses(
          ...badBody,
          'origin_not_allowed',
          'invalid_token',
          'invalid_code',
          'account_suspended',
          'account_ending',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const signedIn = await finishSignIn(deps, c.req.valid('json'), visitOf(c));
      return c.json(signedInBody(c, signedIn), 200);
    },
  );
}
