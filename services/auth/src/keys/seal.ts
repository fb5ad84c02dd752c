const NONCE_BYTES = 12;

/** Encrypts text with AES-256-GCM: base64url of nonce and ciphertext. */
export async function seal(key: CryptoKey, text: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, Buffer.from(text));
  return Buffer.concat([iv, Buffer.from(sealed)]).toString('base64url');
}

/** The text that was sealed. @throws when it was sealed with another key, or changed since. */
export async function unseal(key: CryptoKey, sealed: string): Promise<string> {
  const bytes = Buffer.from(sealed, 'base64url');
  const iv = bytes.subarray(0, NONCE_BYTES);
  const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, bytes.subarray(NONCE_BYTES));
  return Buffer.from(opened).toString();
}

/** A secret that a client holds: 256 random bits, base64url. Only its {@link hashOf} is stored. */
export function randomToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
}

/** SHA-256, base64url: enough for what has 256 bits of its own. */
export function hashOf(token: string): string {
  return new Bun.CryptoHasher('sha256').update(token).digest('base64url');
}
