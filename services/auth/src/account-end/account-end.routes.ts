import { createRoute } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { assertMatch } from '@tertulia/shared/http/conditional';
import { idParam } from '@tertulia/shared/http/fields';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import { findByEmail, keyOf } from '../accounts/accounts.repository.ts';
import { tagOf, toUser, type UserRow, userSchema } from '../accounts/accounts.schema.ts';
import type { Deps } from '../deps.ts';
import { confirmPassword } from '../mfa/confirm-password.ts';
import { recordFailure, visitOf } from '../sessions/login.service.ts';
import { endBody, endingSchema, restoreBody } from './account-end.schema.ts';
import { deleteByAdmin, endAccount, restoreAccount } from './account-end.service.ts';

const tags = ['End of an account'];

export function accountEndRoutes(deps: Deps) {
  const { db, guards, lockout, passwords } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/auth/account',
      tags,
      summary: 'End your account',
      description:
        'Every session ends. Until `deleteAt` signing in answers 403 `account_ending`, and `POST /auth/account/restore` brings the account back; then it goes for good, and with it your media, your notifications and your name under what you wrote.',
      ...guards.user,
      request: { body: jsonBody(endBody) },
      responses: {
        202: json(endingSchema, 'It will go.'),
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'invalid_credentials',
          'last_admin',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { address, caller, traceparent } = c.var;
      const visit = { address, userAgent: c.req.header('User-Agent'), traceparent, deviceToken: undefined };
      const user = await confirmPassword(deps, caller, visit, c.req.valid('json').password);
      const personal = { address, userAgent: visit.userAgent };
      const deleteAt = await endAccount(deps, { user, personal, traceparent });
      return c.json({ deleteAt: deleteAt.toISOString() }, 202);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/account/restore',
      tags,
      summary: 'Bring back an account that you have ended',
      description:
        'It has no session to show, so it is proven as at sign-in, by the same rules and limits. It signs nobody in: that follows by `POST /auth/login`, with a second factor where there is one.',
      ...open,
      request: { body: jsonBody(restoreBody) },
      responses: {
        200: json(userSchema, 'The user, active again.'),
        ...problemResponses(...badBody, 'invalid_credentials', 'conflict', 'rate_limited', 'unavailable'),
      },
    }),
    async (c) => {
      const { email, password } = c.req.valid('json');
      const visit = visitOf(c);
      const user = await findByEmail(db, email);
      const failure = await lockout.attempt(
        { account: keyOf(email), address: visit.address, device: undefined },
        (turn) => passwords.verify(password, user?.passwordHash, turn),
      );
      if (failure !== undefined) await recordFailure(db, user, visit, failure);
      if (failure !== undefined || user === undefined) throw new Problem('invalid_credentials');
      const personal = { address: visit.address, userAgent: visit.userAgent };
      const restored = await restoreAccount(deps, { user, personal, traceparent: c.var.traceparent });
      c.header('Cache-Control', 'no-store');
      return c.json(toUser(restored), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/auth/users/{id}',
      tags,
      summary: 'Delete an account at once',
      description:
        'Nothing brings it back. One administrator always stays, and nobody deletes themselves here.',
      ...guards.admin,
      request: { params: idParam },
      responses: {
        204: { description: 'It is gone here, and in a moment everywhere.' },
        ...problemResponses('unauthenticated', 'forbidden', 'not_found', 'last_admin', 'precondition_failed'),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const assertCurrent = (user: UserRow) => assertMatch(c, tagOf(user));
      await deleteByAdmin(deps, { caller, traceparent, assertCurrent }, c.req.valid('param').id);
      return c.body(null, 204);
    },
  );

  return router;
}
