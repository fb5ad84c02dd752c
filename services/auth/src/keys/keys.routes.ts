import { createRoute, z } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { instant } from '@tertulia/shared/http/fields';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import { publicJwk } from '@tertulia/shared/tokens/keys';
import type { Deps } from '../deps.ts';
import { replaceKeys, rotateKeys } from './keys.service.ts';

const tags = ['Keys'];

const rotateBody = z.strictObject({ revoke: z.boolean().optional() }).openapi('KeyRotation');

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
        'It is published at once and signs after `KEY_LEAD_SECONDS`, when every verifier has it. No living token is refused: earlier keys stay published until their last token has run out. Every call makes a key. After a leak, `revoke` ends all earlier keys: the new one signs at once, and access tokens of the others, the caller’s too, are refused everywhere within 2 s. Refresh tokens go on to work. Verifiers that are not ours refuse them once they fetch the key set again.',
      ...guards.admin,
      request: { body: { ...jsonBody(rotateBody), required: false } },
      responses: {
        201: json(newKeySchema, 'The new key.'),
        ...problemResponses(...badBody, 'unauthenticated', 'forbidden', 'conflict'),
      },
    }),
    async (c) => {
      const { revoke = false } = c.req.valid('json');
      const { userId } = c.var.caller;
      const { kid, signsFrom } = await (revoke ? replaceKeys(deps, userId) : rotateKeys(deps, userId));
      return c.json({ kid, signsFrom: signsFrom.toISOString() }, 201);
    },
  );

  return router;
}
