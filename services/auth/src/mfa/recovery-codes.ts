import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { recoveryCodes } from '../db/schema.ts';

export const RECOVERY_CODES = 10;

/** Crockford's base32: no letter that is taken for a digit. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 10;

/** Ten new codes of 50 bits, such as `7KQ2M-X04VB`; those from before are void. Only their MACs are kept. */
export async function makeRecoveryCodes(tx: Tx, key: CryptoKey, userId: string): Promise<string[]> {
  const codes = Array.from({ length: RECOVERY_CODES }, newCode);
  const hashes = await Promise.all(codes.map((code) => macOf(key, userId, code)));
  await deleteRecoveryCodes(tx, userId);
  await tx.insert(recoveryCodes).values(hashes.map((hash) => ({ userId, hash })));
  return codes;
}

/** Uses a code up; false for a wrong one, and for whoever comes second with a right one. */
export async function spendRecoveryCode(
  tx: Tx,
  key: CryptoKey,
  userId: string,
  code: string,
): Promise<boolean> {
  const hash = await macOf(key, userId, code);
  const spent = await tx
    .update(recoveryCodes)
    .set({ usedAt: sql`now()` })
    .where(and(eq(recoveryCodes.userId, userId), eq(recoveryCodes.hash, hash), isNull(recoveryCodes.usedAt)))
    .returning({ hash: recoveryCodes.hash });
  return spent.length === 1;
}

export function recoveryCodesLeft(db: Executor, userId: string): Promise<number> {
  return db.$count(recoveryCodes, and(eq(recoveryCodes.userId, userId), isNull(recoveryCodes.usedAt)));
}

export async function deleteRecoveryCodes(tx: Tx, userId: string): Promise<void> {
  await tx.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId));
}

function newCode(): string {
  const letters = [...crypto.getRandomValues(new Uint8Array(LENGTH))].map((byte) => ALPHABET[byte % 32]);
  return `${letters.slice(0, LENGTH / 2).join('')}-${letters.slice(LENGTH / 2).join('')}`;
}

/** However it was typed: any case, any separators, and the letters that look like digits. */
async function macOf(key: CryptoKey, userId: string, code: string): Promise<string> {
  const plain = code.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  const mac = await crypto.subtle.sign('HMAC', key, Buffer.from(`${userId}:${plain}`));
  return Buffer.from(mac).toString('base64url');
}
