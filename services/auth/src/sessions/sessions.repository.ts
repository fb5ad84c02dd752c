import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, desc, eq, gt, isNull, lt, lte, sql } from 'drizzle-orm';
import { refreshTokens, sessions, users } from '../db/schema.ts';

const MAX_SURPLUS = 10;
/**
 * Used tokens that a session keeps, so that using one again ends it: ten days' worth where one is exchanged every
 * quarter of an hour. An older one is unknown, and opens nothing.
 */
export const KEPT_TOKENS = 1000;
/** They are cut every so many, as a deletion at each would cost more. */
export const CUT_EVERY = 50;

export type SessionRow = typeof sessions.$inferSelect;

export async function insertSession(tx: Tx, session: typeof sessions.$inferInsert): Promise<void> {
  await tx.insert(sessions).values(session).prepare('insert_session').execute();
}

export async function insertRefreshToken(tx: Tx, hash: string, sessionId: string): Promise<void> {
  await tx.insert(refreshTokens).values({ hash, sessionId }).prepare('insert_refresh_token').execute();
}

/** A refresh token with its session and user; token and session stay locked until the transaction ends. */
export async function lockRefreshToken(tx: Tx, hash: string) {
  const [row] = await tx
    .select({ token: refreshTokens, session: sessions, user: users })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(eq(refreshTokens.hash, sql.placeholder('hash')))
    .for('update', { of: [sessions, refreshTokens] })
    .prepare('lock_refresh_token')
    .execute({ hash });
  return row;
}

/** Whose session a refresh token belongs to, be it used or not. */
export async function findOwner(db: Executor, hash: string) {
  const [row] = await db
    .select({ sessionId: sessions.id, userId: sessions.userId })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .where(eq(refreshTokens.hash, hash));
  return row;
}

export async function findRefreshToken(tx: Tx, hash: string) {
  const [row] = await tx.select().from(refreshTokens).where(eq(refreshTokens.hash, hash));
  return row;
}

/** Marks a token used, adds its successor, prolongs the session, and forgets its oldest tokens. */
export async function rotate(
  tx: Tx,
  { hash, place }: Pick<typeof refreshTokens.$inferSelect, 'hash' | 'place'>,
  successorHash: string,
  session: SessionRow,
  expiresAt: Date,
) {
  const isCut = place > KEPT_TOKENS && place % CUT_EVERY === 0;
  // Prepared statements are pipelined; others wait for two round trips each.
  await Promise.all([
    tx
      .update(refreshTokens)
      .set({ usedAt: sql`now()` })
      .where(eq(refreshTokens.hash, sql.placeholder('hash')))
      .prepare('use_refresh_token')
      .execute({ hash }),
    tx
      .insert(refreshTokens)
      .values({
        hash: sql.placeholder('hash'),
        sessionId: sql.placeholder('sessionId'),
        place: sql.placeholder('place'),
      })
      .prepare('add_refresh_token')
      .execute({ hash: successorHash, sessionId: session.id, place: place + 1 }),
    tx
      .update(sessions)
      .set({ lastUsedAt: sql`now()`, expiresAt: sql`${sql.placeholder('expiresAt')}::timestamptz` })
      .where(eq(sessions.id, sql.placeholder('id')))
      .prepare('prolong_session')
      .execute({ id: session.id, expiresAt: expiresAt.toISOString() }),
    isCut ? forgetTokens(tx, session.id, place - KEPT_TOKENS) : undefined,
  ]);
}

async function forgetTokens(tx: Tx, sessionId: string, through: number): Promise<void> {
  await tx
    .delete(refreshTokens)
    .where(
      and(
        eq(refreshTokens.sessionId, sql.placeholder('sessionId')),
        lte(refreshTokens.place, sql.placeholder('through')),
      ),
    )
    .prepare('forget_refresh_tokens')
    .execute({ sessionId, through });
}

const isLiving = (userId: string) =>
  and(eq(sessions.userId, userId), isNull(sessions.revokedAt), gt(sessions.expiresAt, sql`now()`));

/** A user's living sessions, newest first, as ids are UUIDv7; `before` is the last id of the page before. */
export function listSessions(
  db: Executor,
  userId: string,
  before: string | undefined,
  limit: number,
): Promise<SessionRow[]> {
  return db
    .select()
    .from(sessions)
    .where(and(isLiving(userId), before === undefined ? undefined : lt(sessions.id, before)))
    .orderBy(desc(sessions.id))
    .limit(limit);
}

/** Ids of living sessions beyond the newest so many; at most a handful, as it is asked at every sign-in. */
export async function listSurplus(tx: Tx, userId: string, kept: number): Promise<string[]> {
  const rows = await tx
    .select({ id: sessions.id })
    .from(sessions)
    .where(isLiving(userId))
    .orderBy(desc(sessions.id))
    .offset(kept)
    .limit(MAX_SURPLUS)
    .prepare('list_surplus')
    .execute();
  return rows.map(({ id }) => id);
}
