import type { Executor, Tx } from '@tertulia/shared/db/database';
import { eq } from 'drizzle-orm';
import { passkeys, sessions } from '../db/schema.ts';
import { findTotp } from './totp.repository.ts';

/** What a user can show beside a password. */
export async function countFactors(db: Executor, userId: string) {
  const [totp, passkeyCount] = await Promise.all([
    findTotp(db, userId),
    db.$count(passkeys, eq(passkeys.userId, userId)),
  ]);
  return { totp, passkeys: passkeyCount };
}

export async function findSession(db: Executor, id: string) {
  const [row] = await db.select().from(sessions).where(eq(sessions.id, id));
  return row;
}

/** A factor was shown in this session. */
export async function markSession(tx: Tx, id: string): Promise<void> {
  await tx.update(sessions).set({ mfa: true }).where(eq(sessions.id, id));
}

/** What was shown once is no factor any more. */
export async function unmarkSessions(tx: Tx, userId: string): Promise<void> {
  await tx.update(sessions).set({ mfa: false }).where(eq(sessions.userId, userId));
}
