import { createHmac, createPrivateKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';

/** What a service's tokens are signed with: everything that auth could write, and much that it never does. */
export type Signer = {
  kid: string;
  publicJwk: JsonWebKey;
  /** A token with these parts, by the real key. Text is taken as it is, as JSON that no object makes. */
  sign(header: object, claims: object | string): string;
};

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export function createSigner(privateJwk: JsonWebKey, kid: string): Signer {
  const key = createPrivateKey({ key: privateJwk as never, format: 'jwk' });
  const { kty, crv, x } = privateJwk as { kty: string; crv: string; x: string };
  return {
    kid,
    publicJwk: { kty, crv, x },
    sign(header, claims) {
      const unsigned = `${encode(header)}.${encode(claims)}`;
      return `${unsigned}.${signBytes(null, Buffer.from(unsigned), key).toString('base64url')}`;
    },
  };
}

/** A key pair of a forger's own. */
export function createForger(): Signer {
  const { privateKey } = generateKeyPairSync('ed25519');
  return createSigner(privateKey.export({ format: 'jwk' }) as JsonWebKey, 'forged');
}

export function hmac(
  hash: 'sha256' | 'sha384' | 'sha512',
  secret: string | Buffer,
  unsigned: string,
): string {
  return createHmac(hash, secret).update(unsigned).digest('base64url');
}
