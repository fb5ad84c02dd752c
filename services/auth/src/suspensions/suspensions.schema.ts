import { z } from '@hono/zod-openapi';
import { instant, line } from '@tertulia/shared/http/fields';
import type { UserRow } from '../accounts/accounts.schema.ts';

const inTheFuture = (at: string) => Date.parse(at) > Date.now();

export const suspensionBody = z
  .strictObject({
    reason: line(1, 500).openapi({ description: 'Told to the user.' }),
    until: instant()
      .refine(inTheFuture, 'is not in the future')
      .nullable()
      .optional()
      .openapi({ description: 'When it ends by itself; without, when somebody ends it.' }),
  })
  .openapi('NewSuspension');

export const suspensionSchema = z
  .object({
    userId: z.uuid(),
    reason: z.string(),
    since: instant(),
    until: instant().nullable(),
    suspendedBy: z.uuid().nullable(),
  })
  .openapi('Suspension');

export type Suspension = z.infer<typeof suspensionSchema>;

/** Undefined for a user who is not suspended. */
export function toSuspension(row: UserRow): Suspension | undefined {
  if (row.suspendedAt === null) return undefined;
  return {
    userId: row.id,
    reason: row.suspensionReason ?? '',
    since: row.suspendedAt.toISOString(),
    until: row.suspendedUntil?.toISOString() ?? null,
    suspendedBy: row.suspendedBy,
  };
}
