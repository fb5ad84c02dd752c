import { createRoute } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import { keyOf } from '../accounts/accounts.repository.ts';
import type { Deps } from '../deps.ts';
import { hashOf } from '../keys/seal.ts';
import { deviceHeader } from './devices.ts';
import { prepareFindForLogin } from './login.repository.ts';
import { admit, recordFailure, signedInBody, visitOf } from './login.service.ts';
import { refreshCookieHeader } from './refresh-cookie.ts';
import { loginBody, signedInSchema } from './sessions.schema.ts';

export function loginRoutes(deps: Deps) {
  const { db, lockout, passwords } = deps;
  const findForLogin = prepareFindForLogin(db);
  return createRouter().openapi(
    createRoute({
      method: 'post',
      path: '/auth/login',
      tags: ['Sessions'],
      summary: 'Sign in',
      description:
        'Any wrong pair gets the same answer in the same time, whether the account exists or not. The device is given a token, as the cookie `__Host-device`, and to clients that send no `Origin` also as the header `X-Device-Token`, which they send back at later sign-ins: from there one can sign in whatever strangers try.',
      ...open,
      request: { body: jsonBody(loginBody), headers: deviceHeader.extend(refreshCookieHeader.shape) },
      responses: {
        200: { ...json(signedInSchema, 'The user, signed in.'), headers: deviceHeader },
        ...problemResponses(
          ...badBody,
          'origin_not_allowed',
          'invalid_credentials',
          'account_suspended',
          'account_ending',
          'mfa_required',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { email, password } = c.req.valid('json');
      const visit = visitOf(c);
      const account = keyOf(email);
      const deviceHash = hashOf(visit.deviceToken ?? '');
      const { user, knowsDevice } = await findForLogin(account, deviceHash);
      const failure = await lockout.attempt(
        { account, address: visit.address, device: knowsDevice ? deviceHash : undefined },
        (turn) => passwords.verify(password, user?.passwordHash, turn),
      );
      if (failure !== undefined) await recordFailure(db, user, visit, failure);
      if (failure !== undefined || user === undefined) throw new Problem('invalid_credentials');
      const freshHash = passwords.isOutdated(user.passwordHash) ? await passwords.hash(password) : undefined;
      const outcome = await db.transaction((tx) => admit(deps, tx, user, visit, freshHash));
      if (outcome instanceof Problem) throw outcome;
      return c.json(signedInBody(c, outcome), 200);
    },
  );
}
