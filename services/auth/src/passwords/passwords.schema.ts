import { z } from '@hono/zod-openapi';
import { email } from '../accounts/accounts.schema.ts';
import { newPassword } from './password-rules.ts';

/** A password that exists. Not checked for length here: a wrong one is wrong. */
export const currentPassword = z.string().min(1).max(1024).openapi({ format: 'password' });

/** What came in a mail. */
export const mailToken = z.string().min(1).max(256).openapi({ description: 'The token of the link.' });

export const changeBody = z.strictObject({ currentPassword, newPassword }).openapi('PasswordChange');
export const forgotBody = z.strictObject({ email }).openapi('PasswordForgotten');
export const resetBody = z.strictObject({ token: mailToken, password: newPassword }).openapi('PasswordReset');
