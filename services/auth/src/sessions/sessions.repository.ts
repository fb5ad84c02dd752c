import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { refreshTokens, sessions, users } from '../db/schema.ts';

export type SessionRow = typeof sessions.$inferSelect;

export async function insertSession(tx: Tx, session: typeof sessions.$inferInsert): Promise<void> {
  await tx.insert(sessions).values(session);
}

/** False when the hash is there already. */
export async function insertRefreshToken(tx: Tx, hash: string, sessionId: string): Promise<void> {
  await tx.insert(refreshTokens).values({ hash, sessionId });
}

/** A refresh token with its session and user; token and session stay locked until the transaction ends. */
export async function lockRefreshToken(tx: Tx, hash: string) {
  const [row] = await tx
    .select({ token: refreshTokens, session: sessions, user: users })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(eq(refreshTokens.hash, hash))
    .for('update', { of: [sessions, refreshTokens] });
  return row;
}

export async function findRefreshToken(tx: Tx, hash: string) {
  const [row] = await tx.select().from(refreshTokens).where(eq(refreshTokens.hash, hash));
  return row;
}

/** Marks a token used, adds its successor, and prolongs the session. */
export async function rotate(
  tx: Tx,
  hash: string,
  successorHash: string,
  session: SessionRow,
  expiresAt: Date,
) {
  await Promise.all([
    tx.update(refreshTokens).set({ usedAt: sql`now()` }).where(eq(refreshTokens.hash, hash)),
    tx.insert(refreshTokens).values({ hash: successorHash, sessionId: session.id }),
    tx.update(sessions).set({ lastUsedAt: sql`now()`, expiresAt }).where(eq(sessions.id, session.id)),
  ]);
}

export async function revokeSession(db: Executor, id: string): Promise<void> {
  await db
    .update(sessions)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(sessions.id, id), isNull(sessions.revokedAt)));
}
