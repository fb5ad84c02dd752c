import { verify } from 'hono/jwt';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { type Caller, ROLES } from '../http/context.ts';
import { Problem } from '../http/problem.ts';
import type { KeySource } from './keys.ts';
import type { Revocations } from './revocations.ts';

/** Claims of an access token; see `docs` of `POST /auth/login`. */
export const accessClaims = z.object({
  use: z.literal('access'),
  iss: z.string(),
  aud: z.string(),
  sub: z.uuid(),
  sid: z.uuid(),
  ver: z.int().nonnegative(),
  role: z.enum(ROLES),
  /** Says why `role` is less than it could be: a second factor is missing. */
  withheld: z.enum(ROLES).optional(),
  username: z.string(),
  iat: z.int(),
  nbf: z.int().optional(),
  exp: z.int(),
  jti: z.string(),
});
export type AccessClaims = z.infer<typeof accessClaims>;

/** Claims of the token that a service shows to another; `sub` is the service's name. */
export const serviceClaims = z.object({
  use: z.literal('service'),
  iss: z.string(),
  aud: z.string(),
  sub: z.string(),
  iat: z.int(),
  nbf: z.int().optional(),
  exp: z.int(),
  jti: z.string(),
});
export type ServiceClaims = z.infer<typeof serviceClaims>;

/** An audience of their own: a service's token opens nothing that a user's does, and the other way round. */
export const serviceAudienceOf = (audience: string) => `${audience}:services`;

const header = z.object({
  alg: z.literal('EdDSA'),
  typ: z.literal('JWT'),
  kid: z.string().min(1).max(64),
  // RFC 7515, 4.1.11: extensions that are critical and not understood make a token invalid.
  crit: z.never().optional(),
});

/** Clocks of two machines may differ by this much. */
const SKEW_SECONDS = 30;
const MAX_TOKEN = 4096;
const REMEMBERED = 5000;

export type TokenVerifier = {
  /**
   * @throws {Problem} `unauthenticated`; {@link TokenExpired} and {@link TokenOutdated} apart from every
   * other flaw.
   */
  verify(token: string): Promise<Caller>;
  /** The name of the service that the token was given to. @throws {Problem} `unauthenticated` */
  verifyService(token: string): Promise<string>;
  revocations: Revocations;
};

type Options = { keys: KeySource; issuer: string; audience: string; revocations: Revocations };

/**
 * Verifies access tokens offline: EdDSA only, a known `kid`, the right `iss`, `aud` and `use`, every claim
 * of the right type, and nothing known here that was revoked. A token seen before costs a look-up until it
 * runs out, or is revoked.
 */
export function createTokenVerifier({ keys, issuer, audience, revocations }: Options): TokenVerifier {
  const seen = new LRUCache<string, Caller>({ max: REMEMBERED });

  return {
    revocations,

    async verify(token) {
      const known = seen.get(token);
      // A key that has left the set since takes its tokens along.
      if (known !== undefined && keys.holds?.(known.kid ?? '') !== false) {
        if (known.expiresAt <= Date.now() / 1000) throw expired();
        return standing(known);
      }
      const { claims, kid } = await check(token, accessClaims, audience);
      const caller: Caller = {
        userId: claims.sub,
        sessionId: claims.sid,
        username: claims.username,
        role: claims.role,
        withheld: claims.withheld,
        version: claims.ver,
        expiresAt: claims.exp,
        kid,
      };
      seen.set(token, caller);
      return standing(caller);
    },

    async verifyService(token) {
      return (await check(token, serviceClaims, serviceAudienceOf(audience))).claims.sub;
    },
  };

  function standing(caller: Caller): Caller {
    const verdict = revocations.verdict(caller);
    if (verdict === 'dead') throw new Problem('unauthenticated', 'The session is over.');
    if (verdict === 'outdated') throw outdated();
    return caller;
  }

  async function check<Schema extends typeof accessClaims | typeof serviceClaims>(
    token: string,
    schema: Schema,
    wanted: string,
  ): Promise<{ claims: z.infer<Schema>; kid: string }> {
    const kid = token.length <= MAX_TOKEN ? headerKid(token) : undefined;
    if (kid === undefined) throw invalid();
    if (revocations.isLeaked(kid)) throw outdated();
    const key = await keys.find(kid);
    if (key === undefined) throw invalid();
    // Times are checked below, with some leeway; hono/jwt's own checks have none.
    const options = { alg: 'EdDSA', exp: false, nbf: false, iat: false } as const;
    const payload = await verify(token, key, options).catch(() => undefined);
    const parsed = schema.safeParse(payload);
    if (!parsed.success) throw invalid();
    const claims = parsed.data;
    const now = Date.now() / 1000;
    if (claims.iss !== issuer || claims.aud !== wanted) throw invalid();
    if (claims.iat > now + SKEW_SECONDS || (claims.nbf ?? 0) > now + SKEW_SECONDS) throw invalid();
    if (claims.exp <= now) throw expired();
    return { claims: claims as z.infer<Schema>, kid };
  }
}

function headerKid(token: string): string | undefined {
  const [head] = token.split('.', 1);
  try {
    const parsed = header.safeParse(JSON.parse(Buffer.from(head ?? '', 'base64url').toString()));
    return parsed.data?.kid;
  } catch {
    return undefined;
  }
}

const invalid = () => new Problem('unauthenticated', 'The access token is not valid.');
const outdated = () => new TokenOutdated('unauthenticated', 'The access token is outdated.');
const expired = () => new TokenExpired('unauthenticated', 'The access token has expired.');

/** Told apart from other flaws, since the live protocol answers it with another code. */
export class TokenExpired extends Problem {}

/** Signed before its user or the signing key changed: the session lives, and a fresh token will do. */
export class TokenOutdated extends Problem {}
