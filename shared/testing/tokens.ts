import { sign } from 'hono/jwt';
import type { Role } from '../http/context.ts';
import type { KeySource } from '../tokens/keys.ts';
import { createRevocations, type Revocations } from '../tokens/revocations.ts';
import { type AccessClaims, createTokenVerifier, type TokenVerifier } from '../tokens/verify.ts';
import { createSigner, type Signer } from './signer.ts';

export type TestUser = { id: string; username: string; role: Role; token: string };

export type TestTokens = {
  verifier: TokenVerifier;
  /** What the verifier knows to be revoked: none, until a test says so. */
  revocations: Revocations;
  /** Signs whatever a test wants. */
  signer: Signer;
  /** Claims of a good token. */
  claims(role?: Role): AccessClaims;
  /** A user with a valid token. */
  user(role?: Role, claims?: Partial<AccessClaims>): Promise<TestUser>;
};

/** Signs access tokens as auth does, with a key of its own. */
export async function createTestTokens(): Promise<TestTokens> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const keys: KeySource = { find: async (kid) => (kid === 'test' ? pair.publicKey : undefined) };
  const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey);
  const revocations = createRevocations();
  let count = 0;
  function claimsOf(role: Role = 'USER'): AccessClaims {
    const now = Math.floor(Date.now() / 1000);
    return {
      use: 'access',
      iss: 'tertulia',
      aud: 'tertulia',
      sub: Bun.randomUUIDv7(),
      sid: Bun.randomUUIDv7(),
      ver: 0,
      role,
      username: `user${++count}`,
      iat: now,
      exp: now + 900,
      jti: Bun.randomUUIDv7(),
    };
  }

  return {
    revocations,
    verifier: createTokenVerifier({ keys, issuer: 'tertulia', audience: 'tertulia', revocations }),
    signer: createSigner(jwk, 'test'),
    claims: claimsOf,
    async user(role = 'USER', claims = {}) {
      const payload: AccessClaims = { ...claimsOf(role), ...claims };
      const key = { ...jwk, kid: 'test', alg: 'EdDSA' };
      return {
        id: payload.sub,
        username: payload.username,
        role: payload.role,
        token: await sign(payload, key as never, 'EdDSA'),
      };
    },
  };
}
