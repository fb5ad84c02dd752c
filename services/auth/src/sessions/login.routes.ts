import { createRoute } from '@hono/zod-openapi';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import { findByEmail, keyOf } from '../accounts/accounts.repository.ts';
import { toUser } from '../accounts/accounts.schema.ts';
import type { Deps } from '../deps.ts';
import { admit, visitOf } from './login.service.ts';
import { loginBody, signedInSchema } from './sessions.schema.ts';

export function loginRoutes(deps: Deps) {
  const { db, env, limits, passwords } = deps;
  const window = env.LOGIN_WINDOW_SECONDS;
  const byAccount = limits({
    name: 'login-account',
    points: env.LOGIN_FAILURES_PER_ACCOUNT,
    seconds: window,
  });
  const byAddress = limits({
    name: 'login-address',
    points: env.LOGIN_FAILURES_PER_ADDRESS,
    seconds: window,
  });

  return createRouter().openapi(
    createRoute({
      method: 'post',
      path: '/auth/login',
      tags: ['Sessions'],
      summary: 'Sign in',
      description: 'Any wrong pair gets the same answer in the same time, whether the account exists or not.',
      request: { body: jsonBody(loginBody) },
      responses: {
        200: json(signedInSchema, 'The user, signed in.'),
        ...problemResponses(
          'malformed_json',
          'body_too_large',
          'unsupported_media_type',
          'invalid_fields',
          'invalid_credentials',
          'account_suspended',
          'mfa_required',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { email, password } = c.req.valid('json');
      const account = keyOf(email);
      // Counted before the attempt, so that parallel guesses count, and taken back when it was right.
      await byAddress.consume(c.var.address);
      await byAccount.consume(account);
      const user = await findByEmail(db, email);
      const right = await passwords.verify(password, user?.passwordHash);
      if (user === undefined || !right) throw new Problem('invalid_credentials');
      await Promise.all([byAddress.undo(c.var.address), byAccount.reset(account)]);
      const outcome = await db.transaction((tx) => admit(deps, tx, user, visitOf(c)));
      if (outcome instanceof Problem) throw outcome;
      c.header('Cache-Control', 'no-store');
      return c.json({ user: toUser(outcome.user), ...outcome.tokens }, 200);
    },
  );
}
