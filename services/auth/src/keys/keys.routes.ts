import { createRoute, z } from '@hono/zod-openapi';
import { createRouter, json } from '@tertulia/shared/http/router';
import { publicJwk } from '@tertulia/shared/tokens/keys';
import type { Deps } from '../deps.ts';

export function keysRoutes({ keys }: Deps) {
  return createRouter().openapi(
    createRoute({
      method: 'get',
      path: '/.well-known/jwks.json',
      tags: ['Keys'],
      summary: 'Public keys of access tokens',
      description: 'A JWK Set (RFC 7517): whoever has it verifies access tokens without asking.',
      responses: { 200: json(z.object({ keys: z.array(publicJwk) }), 'The current key and earlier ones.') },
    }),
    (c) => {
      c.header('Cache-Control', 'public, max-age=60');
      return c.json({ keys: [...keys.publicKeys] }, 200);
    },
  );
}
