import { generateSecret, generateURI, verify } from 'otplib';

const ISSUER = 'Tertulia';
/** RFC 6238, 5.2: one step for the way of the code, and for clocks that differ. */
const TOLERANCE_SECONDS = 30;

/** A new secret of 160 bits (RFC 4226, 4: R6), base32. */
export const newTotpSecret = (): string => generateSecret();

/** What an authenticator app reads from a QR code. */
export function otpauthUrl(secret: string, account: string): string {
  return generateURI({ issuer: ISSUER, label: account, secret });
}

/**
 * The time step that a code belongs to: this one, the one before or the next; undefined for a wrong code.
 * RFC 6238, 5.2: a code MUST NOT be accepted twice, so `lastStep` and what was before it do not count.
 */
export async function stepOf(secret: string, code: string, lastStep: number): Promise<number | undefined> {
  const result = await verify({ secret, token: code, epochTolerance: TOLERANCE_SECONDS });
  if (!result.valid || !('timeStep' in result)) return undefined;
  return result.timeStep > lastStep ? result.timeStep : undefined;
}
