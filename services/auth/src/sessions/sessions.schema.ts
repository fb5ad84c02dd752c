import { z } from '@hono/zod-openapi';
import { instant } from '@tertulia/shared/http/fields';
import { email, userSchema } from '../accounts/accounts.schema.ts';
import type { SessionRow } from './sessions.repository.ts';

/** Not checked for length here: a wrong password is wrong, and 401 tells nothing more. */
export const loginBody = z
  .strictObject({ email, password: z.string().min(1).max(1024).openapi({ format: 'password' }) })
  .openapi('Login');

export const refreshBody = z.strictObject({ refreshToken: z.string().min(1).max(4096) }).openapi('Refresh');

export const tokensSchema = z
  .object({
    accessToken: z.string().openapi({ description: 'A JWT, for `Authorization: Bearer`.' }),
    refreshToken: z.string().optional().openapi({
      description: 'For one call of `POST /auth/refresh`. Not here with `X-Refresh-Cookie: 1`.',
    }),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().openapi({ description: 'Life of the access token, seconds.' }),
  })
  .openapi('Tokens');

export const signedInSchema = tokensSchema.extend({ user: userSchema }).openapi('SignedIn');

export const sessionSchema = z
  .object({
    id: z.uuid(),
    device: z
      .string()
      .nullable()
      .openapi({ description: 'What the browser or app says of itself (`User-Agent`).' }),
    address: z.string().openapi({ description: 'From where it was started.' }),
    createdAt: instant(),
    lastUsedAt: instant(),
    current: z.boolean().openapi({ description: 'The one that this call was made with.' }),
  })
  .openapi('Session');

export function toSession(row: SessionRow, { lastUsedAt, current }: { lastUsedAt: Date; current: boolean }) {
  return {
    id: row.id,
    device: row.userAgent,
    address: row.address,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: lastUsedAt.toISOString(),
    current,
  };
}
