import { createRoute } from '@hono/zod-openapi';
import { pageSchema } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { visitOf } from '../sessions/login.service.ts';
import { proveFreshly } from './fresh-proof.ts';
import { listPasskeys, renamePasskey } from './passkeys.repository.ts';
import {
  nameBody,
  optionsSchema,
  passkeyParam,
  passkeySchema,
  proofBody,
  registerBody,
  toPasskey,
} from './passkeys.schema.ts';
import { addPasskey, creationOptions, removePasskey } from './passkeys.service.ts';

const tags = ['Passkeys'];
const proof = [
  ...badBody,
  'unauthenticated',
  'invalid_credentials',
  'invalid_code',
  'rate_limited',
  'unavailable',
] as const;

export function passkeysRoutes(deps: Deps) {
  const { challengeLimit, db, guards } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/passkeys/options',
      tags,
      summary: 'Begin to add a passkey',
      ...guards.user,
      request: { body: jsonBody(proofBody) },
      responses: {
        200: json(optionsSchema, 'For `navigator.credentials.create`, within five minutes.'),
        ...problemResponses(...proof, 'conflict'),
      },
    }),
    async (c) => {
      await challengeLimit.consume(c.var.address);
      await proveFreshly(deps, c.var.caller, visitOf(c), c.req.valid('json'));
      c.header('Cache-Control', 'no-store');
      return c.json({ ...(await creationOptions(deps, c.var.caller)) }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/passkeys',
      tags,
      summary: 'Add a passkey',
      description: 'With what `navigator.credentials.create` returned, as `toJSON()` gives it.',
      ...guards.user,
      request: { body: jsonBody(registerBody) },
      responses: {
        201: json(passkeySchema, 'The passkey; one can sign in with it.'),
        ...problemResponses(...badBody, 'unauthenticated', 'invalid_passkey', 'conflict'),
      },
    }),
    async (c) => {
      const passkey = await addPasskey(deps, c.var.caller, c.req.valid('json'), visitOf(c));
      return c.json(toPasskey(passkey), 201);
    },
  );

  router.openapi(
    createRoute({
      method: 'get',
      path: '/auth/passkeys',
      tags,
      summary: 'My passkeys, oldest first',
      ...guards.user,
      responses: {
        200: json(pageSchema(passkeySchema), 'All of them: there are at most twenty.'),
        ...problemResponses('unauthenticated'),
      },
    }),
    async (c) => {
      const rows = await listPasskeys(db, c.var.caller.userId);
      return c.json({ items: rows.map(toPasskey), nextCursor: null }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'patch',
      path: '/auth/passkeys/{id}',
      tags,
      summary: 'Rename a passkey',
      ...guards.user,
      request: { params: passkeyParam, body: jsonBody(nameBody) },
      responses: {
        200: json(passkeySchema, 'The passkey, renamed.'),
        ...problemResponses(...badBody, 'unauthenticated', 'not_found'),
      },
    }),
    async (c) => {
      const { name } = c.req.valid('json');
      const row = await renamePasskey(db, c.var.caller.userId, c.req.valid('param').id, name);
      if (row === undefined) throw new Problem('not_found', 'You have no such passkey.');
      return c.json(toPasskey(row), 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/auth/passkeys/{id}',
      tags,
      summary: 'Remove a passkey',
      ...guards.user,
      request: { params: passkeyParam, body: jsonBody(proofBody) },
      responses: {
        204: { description: 'It opens nothing any more.' },
        ...problemResponses(...proof, 'not_found'),
      },
    }),
    async (c) => {
      const visit = visitOf(c);
      await proveFreshly(deps, c.var.caller, visit, c.req.valid('json'));
      await removePasskey(deps, c.var.caller, c.req.valid('param').id, visit);
      return c.body(null, 204);
    },
  );

  return router;
}
