import { z } from '@hono/zod-openapi';
import { etagOf } from '@tertulia/shared/http/conditional';
import { ROLES } from '@tertulia/shared/http/context';
import { instant, line, paragraph } from '@tertulia/shared/http/fields';
import type { users } from '../db/schema.ts';
import { newPassword } from '../passwords/password-rules.ts';
import { isSuspended } from '../suspensions/suspension.ts';

export const LOCALES = ['en', 'es'] as const;

export const STATUSES = ['active', 'suspended', 'deleting'] as const;
export type Status = (typeof STATUSES)[number];

export const username = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{1,31}$/, 'is 2 to 32 letters, digits, `_`, `.` or `-`')
  .openapi({ example: 'ana' });

export const email = z
  .string()
  .max(254)
  .transform((text) => text.normalize('NFKC'))
  .pipe(z.email())
  .openapi({ type: 'string', format: 'email', example: 'ana@example.org' });

export const registerBody = z
  .strictObject({ username, email, password: newPassword, displayName: line(1, 80).optional() })
  .openapi('Registration');

/** The type that `line` and `paragraph` write down would not say that null empties the field. */
const nullableText = { type: ['string', 'null'] as ['string', 'null'] };

export const profilePatch = z
  .strictObject({
    displayName: line(1, 80).nullable().openapi(nullableText).optional(),
    bio: paragraph(0, 500).nullable().openapi(nullableText).optional(),
    locale: z.enum(LOCALES).optional(),
  })
  .openapi('ProfilePatch');

export const publicProfileSchema = z
  .object({
    id: z.uuid(),
    username: z.string(),
    displayName: z.string().nullable(),
    bio: z.string().nullable(),
    role: z.enum(ROLES),
    createdAt: instant(),
  })
  .openapi('PublicProfile');

export const userSchema = publicProfileSchema
  .extend({
    email: z.string(),
    emailVerified: z.boolean(),
    locale: z.enum(LOCALES),
    status: z.enum(STATUSES).openapi({ description: 'Only an active account can sign in.' }),
    deleteAt: instant().nullable().openapi({ description: 'When the account goes for good.' }),
    updatedAt: instant(),
  })
  .openapi('User');

export type UserRow = typeof users.$inferSelect;

/** What anyone may know of a user. */
export function toPublicProfile(row: UserRow) {
  return {
    id: row.id,
    username: row.username,
    displayName: row.displayName,
    bio: row.bio,
    role: row.role,
    createdAt: row.createdAt.toISOString(),
  };
}

/** What the user itself and administrators see. */
export function toUser(row: UserRow) {
  return {
    ...toPublicProfile(row),
    email: row.email,
    emailVerified: row.emailVerifiedAt !== null,
    locale: row.locale as (typeof LOCALES)[number],
    status: statusOf(row),
    deleteAt: row.deleteAt?.toISOString() ?? null,
    updatedAt: row.updatedAt.toISOString(),
  };
}

function statusOf(row: UserRow): Status {
  if (row.deleteAt !== null) return 'deleting';
  return isSuspended(row) ? 'suspended' : 'active';
}

/** The entity tag of a user, for everyone who sees it. */
export const tagOf = (user: UserRow) => etagOf(user.id, user.updatedAt.getTime(), user.generation);
