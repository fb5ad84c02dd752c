import { z } from '@hono/zod-openapi';
import { id, instant } from '@tertulia/shared/http/fields';
import { pageQuery } from '@tertulia/shared/http/pages';
import type { listEvents } from './audit.repository.ts';
import { AUDIT_ACTIONS, type AuditAction } from './audit.ts';

export const auditQuery = pageQuery.extend({
  userId: id().optional().openapi({ description: 'Whom it concerns.' }),
  action: z.enum(AUDIT_ACTIONS).optional(),
});

const details = z.record(z.string(), z.unknown()).nullable();

export const auditEventSchema = z
  .object({
    id: z.int().openapi({ description: 'Grows with time; numbers may be left out.' }),
    at: instant(),
    action: z.enum(AUDIT_ACTIONS),
    actorId: z.uuid().nullable().openapi({ description: 'Who did it; null for the system and strangers.' }),
    userId: z.uuid().nullable().openapi({ description: 'Whom it concerns.' }),
    sessionId: z.uuid().nullable(),
    before: details,
    after: details,
    address: z.string().nullable().openapi({ description: 'Null once the account is gone, or unknown.' }),
    userAgent: z.string().nullable(),
    email: z.string().nullable(),
    sealed: z.boolean().openapi({ description: 'Whether a change of it would be noticed already.' }),
  })
  .openapi('AuditEvent');

type EventRow = Awaited<ReturnType<typeof listEvents>>[number];

export function toAuditEvent({ event, personal }: EventRow) {
  return {
    id: event.id,
    at: event.at.toISOString(),
    action: event.action as AuditAction,
    actorId: event.actorId,
    userId: event.userId,
    sessionId: event.sessionId,
    before: event.before,
    after: event.after,
    address: personal?.address ?? null,
    userAgent: personal?.userAgent ?? null,
    email: personal?.email ?? null,
    sealed: event.sealId !== null,
  };
}
