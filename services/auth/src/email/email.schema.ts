import { z } from '@hono/zod-openapi';
import { email } from '../accounts/accounts.schema.ts';
import { currentPassword, mailToken } from '../passwords/passwords.schema.ts';

export const verifyBody = z.strictObject({ token: mailToken }).openapi('EmailVerification');
export const resendBody = z
  .strictObject({ email: email.optional().openapi({ description: 'Yours, when you are signed in.' }) })
  .openapi('EmailVerificationResend');
export const changeBody = z.strictObject({ email, password: currentPassword }).openapi('EmailChange');
