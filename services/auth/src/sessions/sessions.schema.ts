import { z } from '@hono/zod-openapi';
import { email, userSchema } from '../accounts/accounts.schema.ts';

/** Not checked for length here: a wrong password is wrong, and 401 tells nothing more. */
export const loginBody = z
  .strictObject({ email, password: z.string().min(1).max(1024).openapi({ format: 'password' }) })
  .openapi('Login');

export const refreshBody = z.strictObject({ refreshToken: z.string().min(1).max(4096) }).openapi('Refresh');

export const tokensSchema = z
  .object({
    accessToken: z.string().openapi({ description: 'A JWT, for `Authorization: Bearer`.' }),
    refreshToken: z.string().openapi({ description: 'For one call of `POST /auth/refresh`.' }),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().openapi({ description: 'Life of the access token, seconds.' }),
  })
  .openapi('Tokens');

export const signedInSchema = tokensSchema.extend({ user: userSchema }).openapi('SignedIn');
