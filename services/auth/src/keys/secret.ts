import type { Db } from '@tertulia/shared/db/database';
import { eq } from 'drizzle-orm';
import { developmentSecrets } from '../db/schema.ts';

/** Keys derived from `AUTH_SECRET`, one per purpose (HKDF, RFC 5869). */
export type Secrets = {
  /** AES-256-GCM, for private keys at rest. */
  sealing: CryptoKey;
  /** HMAC-SHA-256, for the successors of refresh tokens. */
  refresh: CryptoKey;
};

export async function deriveSecrets(secret: string): Promise<Secrets> {
  const material = await crypto.subtle.importKey('raw', Buffer.from(secret), 'HKDF', false, ['deriveKey']);
  const hkdf = (info: string) => ({
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(),
    info: Buffer.from(info),
  });
  const [sealing, refresh] = await Promise.all([
    crypto.subtle.deriveKey(hkdf('signing keys'), material, { name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ]),
    crypto.subtle.deriveKey(
      hkdf('refresh tokens'),
      material,
      { name: 'HMAC', hash: 'SHA-256', length: 256 },
      false,
      ['sign'],
    ),
  ]);
  return { sealing, refresh };
}

/** A secret for development, made once and kept in the database. */
export async function developmentSecret(db: Db): Promise<string> {
  const value = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
  await db.insert(developmentSecrets).values({ name: 'auth', value }).onConflictDoNothing();
  const [row] = await db.select().from(developmentSecrets).where(eq(developmentSecrets.name, 'auth'));
  return row?.value ?? value;
}
