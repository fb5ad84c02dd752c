import { timingSafeEqual } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import { createLimits } from '@tertulia/shared/limits/limits';
import { revocationsPage } from '@tertulia/shared/tokens/revocation-beat';
import { CALLERS, serviceSecretOf } from '@tertulia/shared/tokens/service-secret';
import { serviceAudienceOf } from '@tertulia/shared/tokens/verify';
import type { Deps } from '../deps.ts';
import { hashOf } from '../keys/seal.ts';
import { findResume, listRevocations } from './revocations.repository.ts';

const tags = ['Between services'];
const LIFE_SECONDS = 300;
const PAGE = 1000;
const TRIES_PER_MINUTE = 60;

const tokenBody = z
  .strictObject({ service: z.enum(CALLERS), secret: z.string().min(1).max(1024) })
  .openapi('ServiceTokenRequest');

const tokenSchema = z
  .object({ accessToken: z.string(), tokenType: z.literal('Bearer'), expiresIn: z.int() })
  .openapi('ServiceToken');

export function revocationRoutes(deps: Deps) {
  const { db, env, guards, keys } = deps;
  const wanted = Buffer.from(hashOf(serviceSecretOf(env)));
  // In memory, whatever else there is: services need their token most while Redis is away, and at once.
  const limits = createLimits({ scale: env.RATE_LIMIT_SCALE });
  const tries = limits({ name: 'service-tokens', points: TRIES_PER_MINUTE, seconds: 60 });
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/service-tokens',
      tags,
      summary: 'A token for a service',
      description:
        'Signed as access tokens are, with an audience of its own: no route for people takes it, and no route for services takes theirs.',
      ...open,
      request: { body: jsonBody(tokenBody) },
      responses: {
        200: json(tokenSchema, 'The token.'),
        ...problemResponses(...badBody, 'unauthenticated', 'rate_limited'),
      },
    }),
    async (c) => {
      const { service, secret } = c.req.valid('json');
      await tries.consume(c.var.address);
      if (!timingSafeEqual(Buffer.from(hashOf(secret)), wanted)) {
        throw new Problem('unauthenticated', 'The service secret is wrong.');
      }
      await tries.undo(c.var.address);
      const now = Math.floor(Date.now() / 1000);
      const accessToken = await keys.sign({
        use: 'service',
        iss: env.TOKEN_ISSUER,
        aud: serviceAudienceOf(env.TOKEN_AUDIENCE),
        sub: service,
        iat: now,
        exp: now + LIFE_SECONDS,
        jti: Bun.randomUUIDv7(),
      });
      c.header('Cache-Control', 'no-store');
      return c.json({ accessToken, tokenType: 'Bearer' as const, expiresIn: LIFE_SECONDS }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'get',
      path: '/auth/revocations',
      tags,
      summary: 'Tokens that no longer count',
      description: 'For services whose feed of events has stopped: what was revoked beyond a number.',
      ...guards.service,
      request: {
        query: z.object({ since: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0) }),
      },
      responses: {
        200: json(revocationsPage, 'What was revoked, in the order of numbers.'),
        ...problemResponses('unauthenticated', 'invalid_fields'),
      },
    }),
    async (c) => {
      const { since } = c.req.valid('query');
      const resume = await findResume(db);
      const rows = await listRevocations(db, since, PAGE);
      const items = rows.map(({ seq, userId, sessionIds, minGeneration, kids, expiresAt }) => ({
        seq,
        userId,
        sessionIds,
        minGeneration,
        kids,
        expiresAt: expiresAt.toISOString(),
      }));
      const more = rows.length === PAGE;
      c.header('Cache-Control', 'no-store');
      return c.json({ items, next: more ? (rows.at(-1)?.seq ?? resume) : resume, more }, 200);
    },
  );

  return router;
}
