import { createRoute } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import { registerBody } from '../accounts/accounts.schema.ts';
import { register } from '../accounts/accounts.service.ts';
import type { Deps } from '../deps.ts';
import { sendMail } from '../mail/send-mail.ts';
import { refuseOwnName } from '../passwords/password-rules.ts';
import { deviceHeader } from './devices.ts';
import { completeSignIn, signedInBody, visitOf } from './login.service.ts';
import { refreshCookieHeader } from './refresh-cookie.ts';
import { signedInSchema } from './sessions.schema.ts';

export function registerRoutes(deps: Deps) {
  const { db, env, limits, passwords } = deps;
  const registrations = limits({ name: 'register', points: env.REGISTRATIONS_PER_HOUR, seconds: 3600 });
  return createRouter().openapi(
    createRoute({
      method: 'post',
      path: '/auth/register',
      tags: ['Sessions'],
      summary: 'Make an account and sign in',
      ...open,
      request: { body: jsonBody(registerBody), headers: deviceHeader.extend(refreshCookieHeader.shape) },
      responses: {
        201: { ...json(signedInSchema, 'The new user, signed in.'), headers: deviceHeader },
        ...problemResponses(
          ...badBody,
          'origin_not_allowed',
          'username_taken',
          'email_taken',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { password, ...body } = c.req.valid('json');
      refuseOwnName(password, body, 'password');
      await registrations.consume(c.var.address);
      const passwordHash = await passwords.hash(password);
      const visit = visitOf(c);
      const signedIn = await db.transaction(async (tx) => {
        const { address, userAgent, traceparent } = visit;
        const personal = { address, userAgent };
        const user = await register(tx, { ...body, passwordHash }, { traceparent, personal });
        await sendMail(tx, deps.secrets.mails, {
          to: user.email,
          locale: user.locale,
          template: 'verify_email',
          parameters: { username: user.username },
          token: { userId: user.id, purpose: 'verify_email' },
        });
        return completeSignIn(deps, tx, user, visit, { mfa: false, isNewAccount: true });
      });
      return c.json(signedInBody(c, signedIn), 201);
    },
  );
}
