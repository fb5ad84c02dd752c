import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, eq, inArray, lt } from 'drizzle-orm';
import { oneTimeTokens, type TOKEN_PURPOSES } from '../db/schema.ts';
import { hashOf, randomToken } from '../keys/seal.ts';

/** Life of what a mail carries. */
export const TOKEN_MINUTES = 30;

type Purpose = (typeof TOKEN_PURPOSES)[number];
export type TokenRow = typeof oneTimeTokens.$inferSelect;

type Wanted = { userId: string; purpose: Purpose; email: string };

/**
 * Makes a token that works once; an older one for the same purpose is dead. Only its hash is kept. The user's
 * row is locked, as two at once would not see each other's.
 */
export async function makeToken(tx: Tx, { userId, purpose, email }: Wanted): Promise<string> {
  const token = randomToken();
  await killTokens(tx, userId, [purpose]);
  const expiresAt = new Date(Date.now() + TOKEN_MINUTES * 60_000);
  await tx.insert(oneTimeTokens).values({ hash: hashOf(token), purpose, userId, email, expiresAt });
  return token;
}

/** Whose a token is, which stays usable: look before you lock. */
export async function findToken(db: Executor, token: string, purposes: Purpose[]) {
  const [row] = await db
    .select()
    .from(oneTimeTokens)
    .where(and(eq(oneTimeTokens.hash, hashOf(token)), inArray(oneTimeTokens.purpose, purposes)));
  return isAlive(row) ? row : undefined;
}

/** Uses a token up: of many calls at once, one gets its row. It is free again if the transaction fails. */
export async function useToken(tx: Tx, token: string, purposes: Purpose[]): Promise<TokenRow | undefined> {
  const [row] = await tx
    .delete(oneTimeTokens)
    .where(and(eq(oneTimeTokens.hash, hashOf(token)), inArray(oneTimeTokens.purpose, purposes)))
    .returning();
  return isAlive(row) ? row : undefined;
}

/** What is mailed already stops working, as when the password changes. */
export async function killTokens(tx: Executor, userId: string, purposes: Purpose[]): Promise<void> {
  await tx
    .delete(oneTimeTokens)
    .where(and(eq(oneTimeTokens.userId, userId), inArray(oneTimeTokens.purpose, purposes)));
}

/** Removes what has run out. */
export async function sweepTokens(db: Executor): Promise<void> {
  await db.delete(oneTimeTokens).where(lt(oneTimeTokens.expiresAt, new Date()));
}

const isAlive = (row: TokenRow | undefined): row is TokenRow =>
  row !== undefined && row.expiresAt.getTime() > Date.now();
