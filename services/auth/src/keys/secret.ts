import type { Db } from '@tertulia/shared/db/database';
import { eq } from 'drizzle-orm';
import { developmentSecrets } from '../db/schema.ts';

/** Keys derived from `AUTH_SECRET`, one per purpose (HKDF, RFC 5869). */
export type Secrets = {
  /** AES-256-GCM, for private keys at rest. */
  sealing: CryptoKey;
  /** HMAC-SHA-256, for the successors of refresh tokens. */
  refresh: CryptoKey;
  /** AES-256-GCM, for mails that wait: there are tokens in them. */
  mails: CryptoKey;
  /** AES-256-GCM, for the secrets of second factors. */
  factors: CryptoKey;
  /** HMAC-SHA-256, for recovery codes, which are too short for a plain hash. */
  codes: CryptoKey;
  /** HMAC-SHA-256, for the seals of the audit log. */
  audit: CryptoKey;
};

export async function deriveSecrets(secret: string): Promise<Secrets> {
  const material = await crypto.subtle.importKey('raw', Buffer.from(secret), 'HKDF', false, ['deriveKey']);
  const derive = (info: string, algorithm: AesKeyGenParams | HmacKeyGenParams, usages: KeyUsage[]) =>
    crypto.subtle.deriveKey(
      { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: Buffer.from(info) },
      material,
      algorithm,
      false,
      usages,
    );
  const cipher = (info: string) => derive(info, { name: 'AES-GCM', length: 256 }, ['encrypt', 'decrypt']);
  const mac = (info: string) => derive(info, { name: 'HMAC', hash: 'SHA-256', length: 256 }, ['sign']);
  const [sealing, refresh, mails, factors, codes, audit] = await Promise.all([
    cipher('signing keys'),
    mac('refresh tokens'),
    cipher('mails'),
    cipher('second factors'),
    mac('recovery codes'),
    mac('audit'),
  ]);
  return { sealing, refresh, mails, factors, codes, audit };
}

/** A secret for development, made once and kept in the database. */
export async function developmentSecret(db: Db): Promise<string> {
  const value = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
  await db.insert(developmentSecrets).values({ name: 'auth', value }).onConflictDoNothing();
  const [row] = await db.select().from(developmentSecrets).where(eq(developmentSecrets.name, 'auth'));
  return row?.value ?? value;
}
