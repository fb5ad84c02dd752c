import { createRoute } from '@hono/zod-openapi';
import { idParam } from '@tertulia/shared/http/fields';
import { idempotencyHeader, idempotently } from '@tertulia/shared/http/idempotency';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { grantFor } from './grants.ts';
import { publicUrl } from './public-url.ts';
import { rotateBody, signBody, signedUrlSchema, toUrlKey, urlKeySchema } from './signing.schema.ts';
import { rotateKeys } from './url-keys.ts';

export function signingRoutes(deps: Deps) {
  const { db, env, guards, findContent, urlKeys } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'post',
      path: '/media/{id}/sign',
      tags: ['Media'],
      summary: 'Sign a URL that needs no token',
      description:
        'Whoever has it gets the content, and the renditions beside it, as others than the owner do, until it ' +
        'runs out, or the media is deleted or hidden. An owner’s link opens a private media too; another’s ' +
        'opens it while it is not private, and a moderator’s, signed for a private one, lasts an hour.',
      ...guards.anyone,
      request: { params: idParam, body: { ...jsonBody(signBody), required: false } },
      responses: {
        200: json(signedUrlSchema, 'The URL.'),
        ...problemResponses(...badBody, 'unauthenticated', 'not_found', 'conflict', 'unavailable'),
      },
    }),
    async (c) => {
      const { expiresIn } = signBody.parse(c.req.valid('json'));
      const media = await findContent.content(c.req.valid('param').id);
      const grant = grantFor(c.var.caller, media, expiresIn);
      const token = await urlKeys.sign(grant);
      c.header('Cache-Control', 'no-store');
      return c.json(
        {
          url: `${publicUrl(env, c)}/media/signed/${token}/content`,
          expiresAt: new Date(grant.expiresAt * 1000).toISOString(),
        },
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/media/url-keys/rotate',
      tags: ['Media'],
      summary: 'Sign URLs with a new key',
      description: 'Older keys open what they have signed, unless they are revoked.',
      ...guards.admin,
      request: { headers: idempotencyHeader, body: { ...jsonBody(rotateBody), required: false } },
      responses: {
        201: json(urlKeySchema, 'The new key.'),
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'forbidden',
          'mfa_enrollment_required',
          'conflict',
          'idempotency_key_reused',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { caller, log } = c.var;
      const { revoke } = rotateBody.parse(c.req.valid('json'));
      const request = {
        key: c.req.valid('header')['idempotency-key'],
        caller: caller.userId,
        route: 'POST /media/url-keys/rotate',
        body: { revoke },
      };
      const { answer, replayed } = await idempotently(db, request, async (tx) =>
        toUrlKey(await rotateKeys(tx, revoke)),
      );
      if (replayed) c.header('Idempotency-Replayed', 'true');
      else log.warn({ key: answer.id, revoke, by: caller.userId }, 'the key of signed URLs was rotated');
      c.header('Cache-Control', 'no-store');
      return c.json(answer, 201);
    },
  );

  return router;
}
