import { verify } from 'hono/jwt';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { type Caller, ROLES } from '../http/context.ts';
import { Problem } from '../http/problem.ts';
import type { KeySource } from './keys.ts';

/** Claims of an access token; see `docs` of `POST /auth/login`. */
export const accessClaims = z.object({
  use: z.literal('access'),
  iss: z.string(),
  aud: z.string(),
  sub: z.uuid(),
  sid: z.uuid(),
  ver: z.int().nonnegative(),
  role: z.enum(ROLES),
  username: z.string(),
  iat: z.int(),
  nbf: z.int().optional(),
  exp: z.int(),
  jti: z.string(),
});
export type AccessClaims = z.infer<typeof accessClaims>;

const header = z.object({ alg: z.literal('EdDSA'), typ: z.literal('JWT'), kid: z.string().min(1).max(64) });

/** Clocks of two machines may differ by this much. */
const SKEW_SECONDS = 30;
const MAX_TOKEN = 4096;
const REMEMBERED = 5000;

export type TokenVerifier = {
  /** @throws {Problem} `unauthenticated`, with `detail` "expired" apart from every other flaw. */
  verify(token: string): Promise<Caller>;
};

type Options = { keys: KeySource; issuer: string; audience: string };

/**
 * Verifies access tokens offline: EdDSA only, a known `kid`, the right `iss`, `aud` and `use`, every claim
 * of the right type. A token seen before costs a look-up until it runs out.
 */
export function createTokenVerifier({ keys, issuer, audience }: Options): TokenVerifier {
  const seen = new LRUCache<string, Caller>({ max: REMEMBERED });

  return {
    async verify(token) {
      const now = Date.now() / 1000;
      const known = seen.get(token);
      if (known !== undefined) {
        if (known.expiresAt > now) return known;
        throw expired();
      }
      const claims = await check(token);
      if (claims.iss !== issuer || claims.aud !== audience) throw invalid();
      if (claims.iat > now + SKEW_SECONDS || (claims.nbf ?? 0) > now + SKEW_SECONDS) throw invalid();
      if (claims.exp <= now) throw expired();
      const caller: Caller = {
        userId: claims.sub,
        sessionId: claims.sid,
        username: claims.username,
        role: claims.role,
        version: claims.ver,
        expiresAt: claims.exp,
      };
      seen.set(token, caller);
      return caller;
    },
  };

  async function check(token: string): Promise<AccessClaims> {
    const kid = token.length <= MAX_TOKEN ? headerKid(token) : undefined;
    const key = kid === undefined ? undefined : await keys.find(kid);
    if (key === undefined) throw invalid();
    // Times are checked above, with some leeway; hono/jwt's own checks have none.
    const options = { alg: 'EdDSA', exp: false, nbf: false, iat: false } as const;
    const payload = await verify(token, key, options).catch(() => undefined);
    const claims = accessClaims.safeParse(payload);
    if (!claims.success) throw invalid();
    return claims.data;
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
const expired = () => new TokenExpired('unauthenticated', 'The access token has expired.');

/** Told apart from other flaws, since the live protocol answers it with another code. */
export class TokenExpired extends Problem {}
