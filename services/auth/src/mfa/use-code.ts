import type { Tx } from '@tertulia/shared/db/database';
import { audit } from '../audit/audit.ts';
import { unseal } from '../keys/seal.ts';
import type { Secrets } from '../keys/secret.ts';
import { spendRecoveryCode } from './recovery-codes.ts';
import { lockTotp, setLastStep, type TotpRow } from './totp.repository.ts';
import { stepOf } from './totp.ts';

const SIX_DIGITS = /^\d{6}$/;

/**
 * Takes a user's code, of the moment or of the recovery codes, once: whoever comes second with it is refused.
 * Undefined for a wrong code.
 */
export async function useCode(
  secrets: Secrets,
  tx: Tx,
  userId: string,
  code: string,
): Promise<'totp' | 'recovery_code' | undefined> {
  const factor = await lockTotp(tx, userId);
  if (factor === undefined || factor.confirmedAt === null) return undefined;
  const digits = code.replace(/\s/g, '');
  if (SIX_DIGITS.test(digits)) {
    const step = await stepOfFactor(secrets, factor, digits);
    if (step === undefined) return undefined;
    await setLastStep(tx, userId, step);
    return 'totp';
  }
  if (!(await spendRecoveryCode(tx, secrets.codes, userId, code))) return undefined;
  await audit(tx, { action: 'mfa.recovery_code_used', actorId: userId, userId });
  return 'recovery_code';
}

/** The step of a code of six digits, if it is right and new. */
export async function stepOfFactor(
  { factors }: Secrets,
  { sealedSecret, lastStep }: TotpRow,
  digits: string,
): Promise<number | undefined> {
  if (!SIX_DIGITS.test(digits)) return undefined;
  return stepOf(await unseal(factors, sealedSecret), digits, lastStep);
}
