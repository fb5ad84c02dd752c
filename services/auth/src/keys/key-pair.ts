import { type PublicJwk, publicJwk } from '@tertulia/shared/tokens/keys';
import type { NewKey } from './keys.repository.ts';
import { seal, unseal } from './seal.ts';

/** A new Ed25519 key pair (RFC 8037), its private half sealed. */
export async function makeKeyPair(sealing: CryptoKey): Promise<NewKey> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const [open, secret] = await Promise.all([
    crypto.subtle.exportKey('jwk', pair.publicKey),
    crypto.subtle.exportKey('jwk', pair.privateKey),
  ]);
  const kid = Bun.randomUUIDv7();
  const { kty, crv, x } = open;
  const jwk: PublicJwk = publicJwk.parse({ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' });
  return { kid, publicJwk: jwk, sealedPrivateJwk: await seal(sealing, JSON.stringify(secret)) };
}

/** @throws when `AUTH_SECRET` is not the one that the pair was sealed with. */
export async function unsealPrivateKey(sealing: CryptoKey, sealed: string): Promise<JsonWebKey> {
  try {
    return JSON.parse(await unseal(sealing, sealed));
  } catch (cause) {
    throw new Error('AUTH_SECRET is not the one that the signing keys were sealed with', { cause });
  }
}
