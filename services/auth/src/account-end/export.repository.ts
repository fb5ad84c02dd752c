import type { Db } from '@tertulia/shared/db/database';
import { and, asc, eq, gt, isNull } from 'drizzle-orm';
import {
  auditEvents,
  auditPersonal,
  knownDevices,
  passkeys,
  recoveryCodes,
  sessions,
  totpFactors,
} from '../db/schema.ts';

const PAGE = 500;

/** Pages in the order of a key, until one is not full. */
async function* pagesBy<Row, Key>(
  read: (after: Key | undefined) => Promise<Row[]>,
  keyOf: (row: Row) => Key,
): AsyncGenerator<Row[]> {
  for (let after: Key | undefined; ; ) {
    const page = await read(after);
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = keyOf(last);
  }
}

export function exportedSessions(db: Db, userId: string) {
  return pagesBy(
    (after: string | undefined) =>
      db
        .select()
        .from(sessions)
        .where(and(eq(sessions.userId, userId), after === undefined ? undefined : gt(sessions.id, after)))
        .orderBy(asc(sessions.id))
        .limit(PAGE),
    ({ id }) => id,
  );
}

export function exportedDevices(db: Db, userId: string) {
  return pagesBy(
    (after: string | undefined) =>
      db
        .select()
        .from(knownDevices)
        .where(
          and(
            eq(knownDevices.userId, userId),
            after === undefined ? undefined : gt(knownDevices.hash, after),
          ),
        )
        .orderBy(asc(knownDevices.hash))
        .limit(PAGE),
    ({ hash }) => hash,
  );
}

export function exportedPasskeys(db: Db, userId: string) {
  return pagesBy(
    (after: string | undefined) =>
      db
        .select()
        .from(passkeys)
        .where(and(eq(passkeys.userId, userId), after === undefined ? undefined : gt(passkeys.id, after)))
        .orderBy(asc(passkeys.id))
        .limit(PAGE),
    ({ id }) => id,
  );
}

export function exportedAudit(db: Db, userId: string) {
  return pagesBy(
    (after: number | undefined) =>
      db
        .select({ event: auditEvents, personal: auditPersonal })
        .from(auditEvents)
        .leftJoin(auditPersonal, eq(auditPersonal.eventId, auditEvents.id))
        .where(
          and(eq(auditEvents.userId, userId), after === undefined ? undefined : gt(auditEvents.id, after)),
        )
        .orderBy(asc(auditEvents.id))
        .limit(PAGE),
    ({ event }) => event.id,
  );
}

/** Whether there is a second factor, and how many recovery codes are unused. */
export async function findFactors(db: Db, userId: string) {
  const [totp] = await db.select().from(totpFactors).where(eq(totpFactors.userId, userId));
  const unused = and(eq(recoveryCodes.userId, userId), isNull(recoveryCodes.usedAt));
  return {
    totp:
      totp === undefined ? undefined : { createdAt: totp.createdAt, confirmed: totp.confirmedAt !== null },
    recoveryCodes: await db.$count(recoveryCodes, unused),
  };
}
