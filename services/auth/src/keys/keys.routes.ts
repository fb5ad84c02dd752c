import { createRoute, z } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { instant } from '@tertulia/shared/http/fields';
import { createRouter, json, problemResponses } from '@tertulia/shared/http/router';
import { publicJwk } from '@tertulia/shared/tokens/keys';
import type { Deps } from '../deps.ts';
import { rotateKeys } from './keys.service.ts';

const tags = ['Keys'];

const newKeySchema = z
  .object({
    kid: z.string(),
    signsFrom: instant().openapi({ description: 'Until then it is published, and the key before it signs.' }),
  })
  .openapi('NewKey');

export function keysRoutes(deps: Deps) {
  const { guards, keys } = deps;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'get',
      path: '/.well-known/jwks.json',
      tags,
      summary: 'Public keys of access tokens',
      description: 'A JWK Set (RFC 7517): whoever has it verifies access tokens without asking.',
      ...open,
      responses: {
        200: json(
          z.object({ keys: z.array(publicJwk) }),
          'The key that signs, those before it until their last token has run out, and the one to come.',
        ),
      },
    }),
    (c) => {
      c.header('Cache-Control', 'public, max-age=60');
      return c.json({ keys: keys.publicKeys() }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/keys/rotate',
      tags,
      summary: 'Make a new signing key',
      description:
        'It is published at once and signs after `KEY_LEAD_SECONDS`, when every verifier has it. No living token is refused: earlier keys stay published until their last token has run out. Every call makes a key.',
      ...guards.admin,
      responses: {
        201: json(newKeySchema, 'The new key.'),
        ...problemResponses('unauthenticated', 'forbidden', 'conflict'),
      },
    }),
    async (c) => {
      const { kid, signsFrom } = await rotateKeys(deps, c.var.caller.userId);
      return c.json({ kid, signsFrom: signsFrom.toISOString() }, 201);
    },
  );

  return router;
}
