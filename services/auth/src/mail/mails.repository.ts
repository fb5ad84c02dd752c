import type { Executor } from '@tertulia/shared/db/database';
import { and, asc, eq, inArray, lte, sql } from 'drizzle-orm';
import { mails } from '../db/schema.ts';

export type WaitingMail = { id: string; sealed: string; attempts: number };

/**
 * Takes mails that are due, so that no other replica has them; they are due again after the lease, should
 * this process die with them.
 */
export async function takeMails(db: Executor, limit: number, leaseSeconds: number): Promise<WaitingMail[]> {
  const due = db
    .select({ id: mails.id })
    .from(mails)
    .where(lte(mails.dueAt, sql`now()`))
    .orderBy(asc(mails.dueAt))
    .limit(limit)
    .for('update', { skipLocked: true });
  return db
    .update(mails)
    .set({
      attempts: sql`${mails.attempts} + 1`,
      dueAt: sql`now() + make_interval(secs => ${leaseSeconds})`,
    })
    .where(inArray(mails.id, due))
    .returning({ id: mails.id, sealed: mails.sealed, attempts: mails.attempts });
}

/** Lets a mail wait. Only while it is ours: an attempt that outlived its lease decides nothing. */
export async function postponeMail(db: Executor, { id, attempts }: WaitingMail, seconds: number) {
  await db
    .update(mails)
    .set({ dueAt: sql`now() + make_interval(secs => ${seconds})` })
    .where(and(eq(mails.id, id), eq(mails.attempts, attempts)));
}

export async function removeMail(db: Executor, id: string): Promise<void> {
  await db.delete(mails).where(eq(mails.id, id));
}
