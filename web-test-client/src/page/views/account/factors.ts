import { openForm } from '../../dialog.ts';
import { type Field, input } from '../../form.ts';
import { isProblem } from '../../problem.ts';
import { codeField } from '../sign-in-fields.ts';

/** What `GET /auth/mfa` tells. */
export type Factors = {
  totp: { enrolledAt: string } | null;
  recoveryCodesLeft: number;
  passkeys: number;
  required: boolean;
};

/** The password again, of who is signed in. */
export const passwordAgain = (name = 'password', label = 'Your password'): Field => ({
  name,
  label,
  control: input('password', { autocomplete: 'current-password', required: true }),
  codes: ['invalid_credentials'],
});

export const codeAgain = () => codeField({ hint: 'From your authenticator app, or a recovery code' });

export type Proof = { password?: string; code?: string };

/**
 * Does what only the owner may do. Where one has not signed in just now, it asks for the password first, and
 * for a code where there is an app.
 */
export async function withProof(run: (proof: Proof) => Promise<void>, hasApp: boolean): Promise<void> {
  try {
    await run({});
  } catch (error) {
    if (!isProblem(error, 'invalid_credentials', 'invalid_code')) throw error;
    const fields = [passwordAgain(), ...(hasApp ? [codeAgain()] : [])];
    openForm('Is it you?', fields, 'Go on', run);
  }
}
