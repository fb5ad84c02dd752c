import { createRoute } from '@hono/zod-openapi';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { visitOf } from '../sessions/login.service.ts';
import { confirmPassword } from './confirm-password.ts';
import { countFactors } from './factors.repository.ts';
import {
  codeBody,
  enrolmentSchema,
  factorsSchema,
  passwordAndCodeBody,
  passwordBody,
  recoveryCodesSchema,
  toFactors,
} from './mfa.schema.ts';
import { recoveryCodesLeft } from './recovery-codes.ts';
import { confirmEnrolment, enrolTotp, removeTotp, renewRecoveryCodes } from './totp.service.ts';

const tags = ['Second factors'];
const proof = [...badBody, 'unauthenticated', 'invalid_credentials', 'rate_limited', 'unavailable'] as const;

export function mfaRoutes(deps: Deps) {
  const { db, env, findUser, guards } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path: '/auth/mfa',
      tags,
      summary: 'Which second factors do I have?',
      ...guards.user,
      responses: { 200: json(factorsSchema, 'What is set up.'), ...problemResponses('unauthenticated') },
    }),
    async (c) => {
      const { userId } = c.var.caller;
      const [user, factors, left] = await Promise.all([
        findUser(userId),
        countFactors(db, userId),
        recoveryCodesLeft(db, userId),
      ]);
      if (user === undefined) throw new Problem('unauthenticated');
      const required = env.REQUIRE_ADMIN_MFA && user.role === 'ADMIN';
      c.header('Cache-Control', 'no-store');
      return c.json(toFactors({ ...factors, recoveryCodesLeft: left, required }), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/mfa/totp',
      tags,
      summary: 'Begin to set up an authenticator app',
      description:
        'TOTP (RFC 6238): SHA-1, six digits, 30 s. Nothing changes until a first code confirms it, within an hour. Beginning again makes another secret.',
      ...guards.user,
      request: { body: jsonBody(passwordBody) },
      responses: {
        201: json(enrolmentSchema, 'The secret.'),
        ...problemResponses(...proof, 'mfa_enrolled'),
      },
    }),
    async (c) => {
      const user = await confirmPassword(deps, c.var.caller, visitOf(c), c.req.valid('json').password);
      c.header('Cache-Control', 'no-store');
      return c.json(await enrolTotp(deps, user), 201);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/mfa/totp/confirm',
      tags,
      summary: 'Finish setting up an authenticator app',
      description: 'From now on signing in with a password takes a code as well.',
      ...guards.user,
      request: { body: jsonBody(codeBody) },
      responses: {
        200: json(recoveryCodesSchema, 'Ten codes for when the app is lost.'),
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'invalid_code',
          'mfa_enrolled',
          'conflict',
          'rate_limited',
        ),
      },
    }),
    async (c) => {
      const codes = await confirmEnrolment(deps, c.var.caller, c.req.valid('json').code, visitOf(c));
      c.header('Cache-Control', 'no-store');
      return c.json({ recoveryCodes: codes }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/auth/mfa/totp',
      tags,
      summary: 'Do without the authenticator app',
      ...guards.user,
      request: { body: jsonBody(passwordAndCodeBody) },
      responses: {
        204: { description: 'It is gone, and so are the recovery codes.' },
        ...problemResponses(...proof, 'invalid_code', 'not_found'),
      },
    }),
    async (c) => {
      const { password, code } = c.req.valid('json');
      const visit = visitOf(c);
      await confirmPassword(deps, c.var.caller, visit, password);
      await removeTotp(deps, c.var.caller, code, visit);
      return c.body(null, 204);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/mfa/recovery-codes',
      tags,
      summary: 'Make new recovery codes',
      description: 'Those from before are void.',
      ...guards.user,
      request: { body: jsonBody(passwordAndCodeBody) },
      responses: {
        201: json(recoveryCodesSchema, 'Ten codes.'),
        ...problemResponses(...proof, 'invalid_code', 'not_found'),
      },
    }),
    async (c) => {
      const { password, code } = c.req.valid('json');
      const visit = visitOf(c);
      await confirmPassword(deps, c.var.caller, visit, password);
      const codes = await renewRecoveryCodes(deps, c.var.caller, code, visit);
      c.header('Cache-Control', 'no-store');
      return c.json({ recoveryCodes: codes }, 201);
    },
  );

  return router;
}
