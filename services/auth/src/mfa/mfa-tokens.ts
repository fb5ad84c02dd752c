import type { Db, Tx } from '@tertulia/shared/db/database';
import { and, desc, eq, gt, isNull, lt, notInArray, sql } from 'drizzle-orm';
import { oneTimeTokens } from '../db/schema.ts';
import { hashOf, randomToken } from '../keys/seal.ts';

export const MFA_TOKEN_SECONDS = 600;
/** Wrong codes that one token takes; then it is the password's turn again. */
const MAX_FAILURES = 5;
/** Sign-ins of one user that may wait for their code at once; older ones are forgotten. */
const MAX_WAITING = 5;

/** Stands for a right password until the code comes: for one sign-in, and not for long. */
export async function makeMfaToken(tx: Tx, userId: string): Promise<string> {
  const token = randomToken();
  const expiresAt = new Date(Date.now() + MFA_TOKEN_SECONDS * 1000);
  await tx.insert(oneTimeTokens).values({ hash: hashOf(token), purpose: 'mfa', userId, expiresAt });
  const mine = and(eq(oneTimeTokens.userId, userId), eq(oneTimeTokens.purpose, 'mfa'));
  const newest = tx
    .select({ hash: oneTimeTokens.hash })
    .from(oneTimeTokens)
    .where(mine)
    .orderBy(desc(oneTimeTokens.createdAt))
    .limit(MAX_WAITING);
  await tx.delete(oneTimeTokens).where(and(mine, notInArray(oneTimeTokens.hash, newest)));
  return token;
}

const isLiving = (token: string) =>
  and(
    eq(oneTimeTokens.hash, hashOf(token)),
    eq(oneTimeTokens.purpose, 'mfa'),
    isNull(oneTimeTokens.usedAt),
    lt(oneTimeTokens.failures, MAX_FAILURES),
    gt(oneTimeTokens.expiresAt, sql`now()`),
  );

/** Whose sign-in waits; undefined when none does. */
export async function findMfaUser(db: Db, token: string): Promise<string | undefined> {
  const [row] = await db.select({ userId: oneTimeTokens.userId }).from(oneTimeTokens).where(isLiving(token));
  return row?.userId;
}

/** Uses the token up; false for whoever comes second. */
export async function spendMfaToken(tx: Tx, token: string): Promise<boolean> {
  const spent = await tx
    .update(oneTimeTokens)
    .set({ usedAt: sql`now()` })
    .where(isLiving(token))
    .returning({ hash: oneTimeTokens.hash });
  return spent.length === 1;
}

/** Counts a wrong code. False when the token takes no more. */
export async function countFailure(tx: Tx, token: string): Promise<boolean> {
  const counted = await tx
    .update(oneTimeTokens)
    .set({ failures: sql`${oneTimeTokens.failures} + 1` })
    .where(isLiving(token))
    .returning({ hash: oneTimeTokens.hash });
  return counted.length === 1;
}

export async function deleteMfaTokens(tx: Tx, userId: string): Promise<void> {
  await tx
    .delete(oneTimeTokens)
    .where(and(eq(oneTimeTokens.userId, userId), eq(oneTimeTokens.purpose, 'mfa')));
}
