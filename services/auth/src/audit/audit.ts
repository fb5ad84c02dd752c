import type { Executor } from '@tertulia/shared/db/database';
import { sql } from 'drizzle-orm';
import { auditEvents, auditPersonal } from '../db/schema.ts';
import { randomToken } from '../keys/seal.ts';

/** Every kind of security event there is. */
export const AUDIT_ACTIONS = [
  'user.registered',
  'user.role_changed',
  'user.suspended',
  'user.unsuspended',
  'user.exported',
  'user.deletion_requested',
  'user.restored',
  'user.deleted',
  'login.succeeded',
  'login.failed',
  'login.locked',
  'session.revoked',
  'session.reuse_detected',
  'password.changed',
  'password.reset_requested',
  'password.reset',
  'email.verified',
  'email.change_requested',
  'email.changed',
  'mfa.enrolled',
  'mfa.removed',
  'mfa.reset',
  'mfa.failed',
  'mfa.recovery_codes_made',
  'mfa.recovery_code_used',
  'passkey.added',
  'passkey.removed',
  'keys.rotated',
  'keys.revoked',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export type AuditEntry = {
  action: AuditAction;
  /** Who did it; null for the system and for nobody known. */
  actorId: string | null;
  /** Whom it concerns. */
  userId: string | null;
  sessionId?: string | null;
  /** What it was and what it became: ids, roles, reasons; never a secret, never personal data. */
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
  personal?: Personal;
};

/** What could name who acts; kept apart, and erased with that account. */
export type Personal = { address?: string; userAgent?: string | undefined; email?: string };

/**
 * Writes down a security event, in the caller's transaction: it is there if, and only if, it happened. One
 * statement, so that it may be sent together with others.
 */
export async function audit(tx: Executor, entry: AuditEntry): Promise<void> {
  const { personal, ...event } = entry;
  const at = new Date();
  if (personal === undefined) {
    await tx
      .insert(auditEvents)
      .values({ ...event, at })
      .prepare('insert_audit_event')
      .execute();
    return;
  }
  const row = {
    salt: randomToken(),
    address: personal.address ?? null,
    userAgent: personal.userAgent?.slice(0, 512) ?? null,
    email: personal.email ?? null,
  };
  const sealed = { ...event, at, personalHash: personalHashOf(row) };
  const written = tx
    .$with('written')
    .as(tx.insert(auditEvents).values(sealed).returning({ id: auditEvents.id }));
  const userId = entry.actorId ?? entry.userId;
  // In the order of the table's columns.
  const person = sql`
    select id, ${userId}::uuid, ${row.salt}::text, ${row.address}::text, ${row.userAgent}::text, ${row.email}::text
    from ${written}`;
  await tx.with(written).insert(auditPersonal).select(person).prepare('insert_audit').execute();
}

type PersonalRow = Pick<typeof auditPersonal.$inferSelect, 'salt' | 'address' | 'userAgent' | 'email'>;

/** Ties the personal data to the sealed row, and tells nothing of it once they are erased. */
export function personalHashOf({ salt, address, userAgent, email }: PersonalRow): string {
  const text = JSON.stringify([salt, address, userAgent, email]);
  return new Bun.CryptoHasher('sha256').update(text).digest('base64url');
}
