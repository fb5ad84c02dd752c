import { createRoute, z } from '@hono/zod-openapi';
import { open } from '@tertulia/shared/http/access';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, json, problemResponses } from '@tertulia/shared/http/router';
import { accessClaims } from '@tertulia/shared/tokens/verify';
import type { Deps } from '../deps.ts';

const metadataSchema = z
  .object({
    issuer: z.url(),
    jwks_uri: z.url(),
    response_types_supported: z.array(z.string()),
    grant_types_supported: z.array(z.string()),
    subject_types_supported: z.array(z.string()),
    id_token_signing_alg_values_supported: z.array(z.string()),
    claims_supported: z.array(z.string()),
    service_documentation: z.url(),
  })
  .openapi('OpenIdConfiguration');

/**
 * OpenID Connect Discovery 1.0, as far as it is true: libraries find the keys by the issuer alone. This is no
 * OpenID provider, so there is no authorization or token endpoint, and lists of flows are empty.
 *
 * A document's `issuer` must be the address that it was asked at, and the `iss` of what it is about. So both
 * are `TOKEN_ISSUER`, which is therefore the address at which clients reach auth. Where it is a mere name, there
 * is no such document.
 */
export function discoveryRoutes({ env }: Deps) {
  const issuer = env.TOKEN_ISSUER;
  const base = issuer.replace(/\/$/, '');

  return createRouter().openapi(
    createRoute({
      method: 'get',
      path: '/.well-known/openid-configuration',
      tags: ['Keys'],
      summary: 'Where the keys are',
      description: 'Exists where `TOKEN_ISSUER` is an address.',
      ...open,
      responses: { 200: json(metadataSchema, 'What there is.'), ...problemResponses('not_found') },
    }),
    (c) => {
      if (!isIssuerUrl(issuer)) throw new Problem('not_found', 'The issuer is a name, not an address.');
      c.header('Cache-Control', 'public, max-age=300');
      return c.json(
        {
          issuer,
          jwks_uri: `${base}/.well-known/jwks.json`,
          response_types_supported: [],
          grant_types_supported: [],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['EdDSA'],
          claims_supported: Object.keys(accessClaims.shape),
          service_documentation: `${base}/api/docs`,
        },
        200,
      );
    },
  );
}

/** OpenID Connect Core 1.0, 2: an issuer has no query and no fragment. */
function isIssuerUrl(text: string): boolean {
  return /^https?:\/\/[^?#]+$/.test(text) && URL.canParse(text);
}
