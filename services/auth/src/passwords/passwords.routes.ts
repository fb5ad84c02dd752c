import { createRoute } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { badBody, createRouter, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import { keyOf } from '../accounts/accounts.repository.ts';
import type { Deps } from '../deps.ts';
import { createMailLimit } from '../email/mail-limit.ts';
import { wishMail } from '../mail/send-mail.ts';
import { confirmPassword } from '../mfa/confirm-password.ts';
import { deviceHeader, giveDeviceToken } from '../sessions/devices.ts';
import { visitOf } from '../sessions/login.service.ts';
import { changeBody, forgotBody, resetBody } from './passwords.schema.ts';
import { changePassword, resetPassword } from './passwords.service.ts';

const tags = ['Passwords'];

export function passwordsRoutes(deps: Deps) {
  const { db, guards, secrets } = deps;
  const mailLimit = createMailLimit(deps, 'forgot');
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'put',
      path: '/auth/password',
      tags,
      summary: 'Change your password',
      description:
        'Every other session ends, and every access token is outdated: refresh yours. Wrong attempts are counted as at sign-in.',
      ...guards.user,
      request: { body: jsonBody(changeBody) },
      responses: {
        204: { description: 'It is changed.' },
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
      const { currentPassword, newPassword } = c.req.valid('json');
      const { caller } = c.var;
      const visit = visitOf(c);
      const user = await confirmPassword(deps, caller, visit, currentPassword);
      await changePassword(deps, user, caller.sessionId, visit, newPassword);
      return c.body(null, 204);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/password/forgot',
      tags,
      summary: 'Ask for a mail to choose a new password',
      description:
        'The answer is the same whether there is such an account or not. The link leads to `WEB_URL/reset-password#token=…`.',
      ...open,
      request: { body: jsonBody(forgotBody) },
      responses: {
        202: { description: 'If there is such an account, a mail is on its way.' },
        ...problemResponses(...badBody, 'rate_limited'),
      },
    }),
    async (c) => {
      const account = keyOf(c.req.valid('json').email);
      const { address, userAgent } = visitOf(c);
      if (await mailLimit(address, account)) {
        await wishMail(db, secrets.mails, { wish: 'reset_password', account, address, userAgent });
      }
      return c.body(null, 202);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/password/reset',
      tags,
      summary: 'Choose a new password by the token of a mail',
      description:
        'Every session ends, and a lockout too. The device that does it counts as known, as after a sign-in.',
      ...open,
      request: { body: jsonBody(resetBody), headers: deviceHeader },
      responses: {
        204: { description: 'It is changed.', headers: deviceHeader },
        ...problemResponses(...badBody, 'invalid_token', 'unavailable'),
      },
    }),
    async (c) => {
      const { token, password } = c.req.valid('json');
      giveDeviceToken(c, await resetPassword(deps, token, visitOf(c), password));
      return c.body(null, 204);
    },
  );

  return router;
}
