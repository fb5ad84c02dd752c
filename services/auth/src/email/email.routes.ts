import { createRoute } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import { keyOf } from '../accounts/accounts.repository.ts';
import type { Deps } from '../deps.ts';
import { wishMail } from '../mail/send-mail.ts';
import { confirmPassword } from '../mfa/confirm-password.ts';
import { visitOf } from '../sessions/login.service.ts';
import { changeBody, resendBody, verifyBody } from './email.schema.ts';
import { requestEmailChange, verifyEmail } from './email.service.ts';
import { createMailLimit } from './mail-limit.ts';

const tags = ['E-mail'];

export function emailRoutes(deps: Deps) {
  const { db, env, findUser, guards, limits, secrets } = deps;
  const mailLimit = createMailLimit(deps, 'verify');
  const changes = limits({ name: 'email-change', points: env.MAILS_PER_ACCOUNT_PER_HOUR, seconds: 3600 });
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/email/verify',
      tags,
      summary: 'Confirm an address by the token of a mail',
      description: 'For the address of a new account, and for one that an account changes to.',
      ...open,
      request: { body: jsonBody(verifyBody) },
      responses: {
        204: { description: 'The address is confirmed.' },
        ...problemResponses(...badBody, 'invalid_token', 'email_taken'),
      },
    }),
    async (c) => {
      await verifyEmail(deps, c.req.valid('json').token, visitOf(c));
      return c.body(null, 204);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/email/verify/resend',
      tags,
      summary: 'Ask for the mail that confirms an address, again',
      description:
        'The answer is the same whether there is such an account, and whether its address is confirmed. The link leads to `WEB_URL/verify-email#token=…`.',
      ...guards.anyone,
      request: { body: { ...jsonBody(resendBody), required: false } },
      responses: {
        202: { description: 'If there is something to confirm, a mail is on its way.' },
        ...problemResponses(...badBody, 'unauthenticated', 'rate_limited'),
      },
    }),
    async (c) => {
      const { email } = c.req.valid('json');
      const { caller } = c.var;
      const own = caller === undefined ? undefined : (await findUser(caller.userId))?.email;
      const wanted = email ?? own;
      if (wanted === undefined) {
        throw new Problem('invalid_fields', undefined, {
          errors: [{ path: 'email', message: 'is missing' }],
        });
      }
      const { address, userAgent } = visitOf(c);
      const account = keyOf(wanted);
      if (await mailLimit(address, account)) {
        await wishMail(db, secrets.mails, { wish: 'verify_email', account, address, userAgent });
      }
      return c.body(null, 202);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/email/change',
      tags,
      summary: 'Change your address',
      description:
        'It changes once the link that is mailed to the new address was followed: `POST /auth/email/verify`. The old address is told.',
      ...guards.user,
      request: { body: jsonBody(changeBody) },
      responses: {
        202: { description: 'A mail is on its way.' },
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'invalid_credentials',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { email, password } = c.req.valid('json');
      const visit = visitOf(c);
      const user = await confirmPassword(deps, c.var.caller, visit, password);
      if (keyOf(email) === user.emailKey) {
        const errors = [{ path: 'email', message: 'is your address already' }];
        throw new Problem('invalid_fields', undefined, { errors });
      }
      await changes.consume(user.id);
      await requestEmailChange(deps, user, email, visit);
      return c.body(null, 202);
    },
  );

  return router;
}
