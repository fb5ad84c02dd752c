import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, eq, isNotNull, sql } from 'drizzle-orm';
import { totpFactors } from '../db/schema.ts';

export type TotpRow = typeof totpFactors.$inferSelect;

/** A secret that counts: a first code has confirmed it. */
export async function findTotp(db: Executor, userId: string): Promise<TotpRow | undefined> {
  const [row] = await db
    .select()
    .from(totpFactors)
    .where(and(eq(totpFactors.userId, userId), isNotNull(totpFactors.confirmedAt)))
    .prepare('find_totp')
    .execute();
  return row;
}

/** Confirmed or not; nobody else uses a code of it until the transaction ends. */
export async function lockTotp(tx: Tx, userId: string): Promise<TotpRow | undefined> {
  const [row] = await tx.select().from(totpFactors).where(eq(totpFactors.userId, userId)).for('update');
  return row;
}

/** Takes the place of a secret that was begun and never confirmed. */
export async function beginTotp(tx: Tx, userId: string, sealedSecret: string): Promise<void> {
  await tx
    .insert(totpFactors)
    .values({ userId, sealedSecret })
    .onConflictDoUpdate({
      target: totpFactors.userId,
      set: { sealedSecret, lastStep: 0, createdAt: sql`now()` },
      setWhere: sql`${totpFactors.confirmedAt} is null`,
    });
}

export async function confirmTotp(tx: Tx, userId: string, lastStep: number): Promise<void> {
  await tx
    .update(totpFactors)
    .set({ confirmedAt: sql`now()`, lastStep })
    .where(eq(totpFactors.userId, userId));
}

export async function setLastStep(tx: Tx, userId: string, lastStep: number): Promise<void> {
  await tx.update(totpFactors).set({ lastStep }).where(eq(totpFactors.userId, userId));
}

export async function deleteTotp(tx: Tx, userId: string): Promise<void> {
  await tx.delete(totpFactors).where(eq(totpFactors.userId, userId));
}
