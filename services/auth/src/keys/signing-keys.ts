import type { Db } from '@tertulia/shared/db/database';
import { importPublicKey, type KeySource, type PublicJwk, publicJwk } from '@tertulia/shared/tokens/keys';
import type { AccessClaims } from '@tertulia/shared/tokens/verify';
import { desc, sql } from 'drizzle-orm';
import { sign } from 'hono/jwt';
import { signingKeys } from '../db/schema.ts';
import { seal, unseal } from './seal.ts';

export type SigningKeys = {
  /** Signs an access token: EdDSA, with `kid` in its header. */
  sign(claims: AccessClaims): Promise<string>;
  /** Public halves, for `/.well-known/jwks.json` (RFC 7517). */
  publicKeys: readonly PublicJwk[];
  /** For this service's own verification: no call over the network to itself. */
  source: KeySource;
};

/**
 * Loads the key pairs, making the first one where there is none. Replicas that start together take turns,
 * so there is one.
 *
 * @throws when `AUTH_SECRET` is not the one that the keys were sealed with.
 */
export async function openSigningKeys(db: Db, sealing: CryptoKey): Promise<SigningKeys> {
  const rows = await db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('signing keys'))`);
    const found = await tx.select().from(signingKeys).orderBy(desc(signingKeys.createdAt));
    if (found.length > 0) return found;
    return tx
      .insert(signingKeys)
      .values(await makeKey(sealing))
      .returning();
  });
  const [newest] = rows;
  if (newest === undefined) throw new Error('there is no signing key');
  const privateJwk = await unsealKey(sealing, newest.sealedPrivateJwk);
  const publicKeys = rows.map((row) => publicJwk.parse(row.publicJwk));
  const verifying = new Map(
    await Promise.all(publicKeys.map(async (jwk) => [jwk.kid, await importPublicKey(jwk)] as const)),
  );
  return {
    sign: (claims) => sign(claims, { ...privateJwk, kid: newest.kid, alg: 'EdDSA' } as never, 'EdDSA'),
    publicKeys,
    source: { find: async (kid) => verifying.get(kid) },
  };
}

async function makeKey(sealing: CryptoKey) {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const [open, secret] = await Promise.all([
    crypto.subtle.exportKey('jwk', pair.publicKey),
    crypto.subtle.exportKey('jwk', pair.privateKey),
  ]);
  const kid = Bun.randomUUIDv7();
  const jwk: PublicJwk = publicJwk.parse({
    kty: open.kty,
    crv: open.crv,
    x: open.x,
    kid,
    alg: 'EdDSA',
    use: 'sig',
  });
  return { kid, publicJwk: jwk, sealedPrivateJwk: await seal(sealing, JSON.stringify(secret)) };
}

async function unsealKey(sealing: CryptoKey, sealed: string): Promise<JsonWebKey> {
  try {
    return JSON.parse(await unseal(sealing, sealed));
  } catch (cause) {
    throw new Error('AUTH_SECRET is not the one that the signing keys were sealed with', { cause });
  }
}
