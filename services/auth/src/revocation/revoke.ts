import type { Tx } from '@tertulia/shared/db/database';
import { type Announcement, announce } from '@tertulia/shared/events/announce';
import { notifyRevocations } from '@tertulia/shared/tokens/revocation-store';
import { REVOCATION_SKEW_SECONDS } from '@tertulia/shared/tokens/revocations';
import { revocations } from '@tertulia/shared/tokens/tables';
import { and, eq, isNull, ne, type SQL, sql } from 'drizzle-orm';
import { audit } from '../audit/audit.ts';
import { sessions, users } from '../db/schema.ts';

type Cause = {
  /** Who does it; null for the system. */
  actorId: string | null;
  /** For the session's row, the audit and the user: `logout`, `password_changed`, `suspended`, … */
  reason: string;
  /** `ACCESS_TOKEN_SECONDS`: so long must be remembered what is revoked. */
  lifeSeconds: number;
  traceparent?: string | undefined;
};

/** Which of a user's sessions: one, all, or all but one. */
export type Which = { only: string } | { except: string } | 'all';

/**
 * Ends sessions: their refresh tokens are dead at once, and their access tokens in every service within two
 * seconds. Returns the ids of those that lived.
 */
export async function endSessions(tx: Tx, userId: string, which: Which, cause: Cause): Promise<string[]> {
  const wanted: (SQL | undefined)[] = [eq(sessions.userId, userId), isNull(sessions.revokedAt)];
  if (which !== 'all') {
    wanted.push('only' in which ? eq(sessions.id, which.only) : ne(sessions.id, which.except));
  }
  const ended = await tx
    .update(sessions)
    .set({ revokedAt: sql`now()`, revokedReason: cause.reason })
    .where(and(...wanted))
    .returning();
  if (ended.length === 0) return [];
  const ids = ended.map(({ id }) => id);
  const { actorId, traceparent, reason } = cause;
  await announce(
    tx,
    await revocation(tx, { userId, sessionIds: ids, minGeneration: null }, cause),
    ...ended.map(({ id, userAgent, address }): Announcement<'session.revoked'> => {
      const data = { userId, sessionId: id, device: userAgent, address, reason };
      return { type: 'session.revoked', actorId, data, traceparent };
    }),
  );
  for (const sessionId of ids) {
    await audit(tx, { action: 'session.revoked', actorId, userId, sessionId, after: { reason } });
  }
  return ids;
}

/**
 * A new generation: every access token signed before is outdated, in every service within two seconds. Who
 * holds a living session refreshes and goes on with what is true now.
 */
export async function outdateTokens(tx: Tx, userId: string, cause: Omit<Cause, 'reason'>): Promise<number> {
  const [user] = await tx
    .update(users)
    .set({ generation: sql`${users.generation} + 1`, updatedAt: sql`now()` })
    .where(eq(users.id, userId))
    .returning({ generation: users.generation });
  if (user === undefined) throw new Error('no such user');
  await announce(tx, await revocation(tx, { userId, sessionIds: [], minGeneration: user.generation }, cause));
  return user.generation;
}

/** Verifiers forget a leaked key with the next key set that they fetch; one that is away may take a while. */
const LEAK_SECONDS = 365 * 86_400;

/** No token of these signing keys counts any more, in every service within two seconds. */
export async function revokeKeys(tx: Tx, kids: string[], actorId: string): Promise<void> {
  const what = { userId: actorId, sessionIds: [], minGeneration: null, kids };
  await announce(tx, await revocation(tx, what, { actorId, lifeSeconds: LEAK_SECONDS }));
}

type What = { userId: string; sessionIds: string[]; minGeneration: number | null; kids?: string[] };

async function revocation(
  tx: Tx,
  what: What,
  { actorId, lifeSeconds, traceparent }: Omit<Cause, 'reason'>,
): Promise<Announcement<'tokens.revoked'>> {
  const expiresAt = new Date(Date.now() + (lifeSeconds + REVOCATION_SKEW_SECONDS) * 1000);
  const [row] = await tx
    .insert(revocations)
    .values({ ...what, expiresAt })
    .returning({ seq: revocations.seq });
  if (row === undefined) throw new Error('insert returned no row');
  await notifyRevocations(tx, [row.seq]);
  const data = { ...what, seq: row.seq, expiresAt: expiresAt.toISOString() };
  return { type: 'tokens.revoked', actorId, data, traceparent };
}
