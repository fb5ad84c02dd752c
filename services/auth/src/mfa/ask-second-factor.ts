import type { Tx } from '@tertulia/shared/db/database';
import { Problem } from '@tertulia/shared/http/problem';
import { MFA_TOKEN_SECONDS, makeMfaToken } from './mfa-tokens.ts';

/**
 * The step after a right password: for who has a second factor, a problem that says so and holds the token
 * for the next step. To be returned, not thrown, as the token must be committed. Passkeys ask for nothing
 * here: they are a way to sign in of their own.
 */
export async function askForSecondFactor(tx: Tx, userId: string): Promise<Problem> {
  const mfaToken = await makeMfaToken(tx, userId);
  return new Problem('mfa_required', 'Send it with a code to POST /auth/login/mfa.', {
    headers: { 'Cache-Control': 'no-store' },
    members: { mfaToken, expiresIn: MFA_TOKEN_SECONDS },
  });
}
