import { z } from '@hono/zod-openapi';
import { instant } from '@tertulia/shared/http/fields';
import { email } from '../accounts/accounts.schema.ts';

/** Not checked for length here: a wrong password is wrong. */
const password = z.string().min(1).max(1024).openapi({ format: 'password' });

export const endBody = z.strictObject({ password }).openapi('AccountEnd');
export const restoreBody = z.strictObject({ email, password }).openapi('AccountRestore');

export const endingSchema = z
  .object({ deleteAt: instant().openapi({ description: 'Until then the account can be restored.' }) })
  .openapi('AccountEnding');
