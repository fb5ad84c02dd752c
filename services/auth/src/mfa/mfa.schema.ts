import { z } from '@hono/zod-openapi';
import { instant } from '@tertulia/shared/http/fields';
import type { TotpRow } from './totp.repository.ts';

/** Not checked for its form: a wrong code is wrong, and 401 says so. */
export const code = z.string().min(1).max(32).openapi({
  description: 'Six digits of the moment, or a recovery code.',
  example: '287082',
});
/** Of the caller, again. */
export const passwordAgain = z.string().min(1).max(1024).openapi({ format: 'password' });

export const passwordBody = z.strictObject({ password: passwordAgain }).openapi('PasswordAgain');
export const codeBody = z.strictObject({ code }).openapi('Code');
export const passwordAndCodeBody = z
  .strictObject({ password: passwordAgain, code })
  .openapi('PasswordAndCode');
export const mfaLoginBody = z
  .strictObject({ mfaToken: z.string().min(1).max(128), code })
  .openapi('SecondFactor');

export const factorsSchema = z
  .object({
    totp: z.object({ enrolledAt: instant() }).nullable(),
    recoveryCodesLeft: z.int(),
    passkeys: z.int().openapi({ description: 'How many; see `GET /auth/passkeys`.' }),
    required: z.boolean().openapi({ description: 'Whether the role asks for a second factor.' }),
  })
  .openapi('Factors');

export const enrolmentSchema = z
  .object({
    secret: z.string().openapi({ description: 'Base32, to be typed in. Shown this once.' }),
    otpauthUrl: z.string().openapi({ description: 'For a QR code.' }),
  })
  .openapi('TotpEnrolment');

export const recoveryCodesSchema = z
  .object({
    recoveryCodes: z.array(z.string()).openapi({ description: 'Each works once. Shown this once.' }),
  })
  .openapi('RecoveryCodes');

type Factors = { totp: TotpRow | undefined; passkeys: number; recoveryCodesLeft: number; required: boolean };

export function toFactors({ totp, passkeys, recoveryCodesLeft, required }: Factors) {
  const enrolledAt = totp?.confirmedAt?.toISOString();
  return {
    totp: enrolledAt === undefined ? null : { enrolledAt },
    recoveryCodesLeft,
    passkeys,
    required,
  };
}
