import { createRoute } from '@hono/zod-openapi';
import type { AppEnv } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Context } from 'hono';
import { findByEmail, keyOf } from '../accounts/accounts.repository.ts';
import { registerBody, toUser } from '../accounts/accounts.schema.ts';
import { register } from '../accounts/accounts.service.ts';
import type { Deps } from '../deps.ts';
import { revokeSession } from './sessions.repository.ts';
import { loginBody, refreshBody, signedInSchema, tokensSchema } from './sessions.schema.ts';
import { type Device, refresh, startSession } from './sessions.service.ts';

const tags = ['Sessions'];
const badBody = ['malformed_json', 'body_too_large', 'unsupported_media_type', 'invalid_fields'] as const;

export function sessionsRoutes(deps: Deps) {
  const { db, env, guards, limits, passwords } = deps;
  const window = env.LOGIN_WINDOW_SECONDS;
  const registrations = limits({ name: 'register', points: env.REGISTRATIONS_PER_HOUR, seconds: 3600 });
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
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/register',
      tags,
      summary: 'Make an account and sign in',
      request: { body: jsonBody(registerBody) },
      responses: {
        201: json(signedInSchema, 'The new user, signed in.'),
        ...problemResponses(...badBody, 'username_taken', 'email_taken', 'rate_limited', 'unavailable'),
      },
    }),
    async (c) => {
      const { password, ...body } = c.req.valid('json');
      await registrations.consume(c.var.address);
      const passwordHash = await passwords.hash(password);
      const { user, tokens } = await db.transaction(async (tx) => {
        const user = await register(tx, { ...body, passwordHash }, { traceparent: c.var.traceparent });
        return { user, tokens: await startSession(deps, tx, user, deviceOf(c)) };
      });
      c.header('Cache-Control', 'no-store');
      return c.json({ user: toUser(user), ...tokens }, 201);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/login',
      tags,
      summary: 'Sign in',
      description: 'Any wrong pair gets the same answer in the same time, whether the account exists or not.',
      request: { body: jsonBody(loginBody) },
      responses: {
        200: json(signedInSchema, 'The user, signed in.'),
        ...problemResponses(...badBody, 'invalid_credentials', 'rate_limited', 'unavailable'),
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
      const tokens = await db.transaction((tx) => startSession(deps, tx, user, deviceOf(c)));
      c.header('Cache-Control', 'no-store');
      return c.json({ user: toUser(user), ...tokens }, 200);
    },
  );

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

function deviceOf(c: Context<AppEnv>): Device {
  return { userAgent: c.req.header('User-Agent'), address: c.var.address };
}
