import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { lockUser } from '../accounts/accounts.repository.ts';
import type { UserRow } from '../accounts/accounts.schema.ts';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { seal } from '../keys/seal.ts';
import type { Visit } from '../sessions/login.service.ts';
import { recordWrongCode } from './code-limit.ts';
import { afterFactorChange } from './factor-changes.ts';
import { deleteMfaTokens } from './mfa-tokens.ts';
import { deleteRecoveryCodes, makeRecoveryCodes } from './recovery-codes.ts';
import { beginTotp, confirmTotp, deleteTotp, lockTotp } from './totp.repository.ts';
import { newTotpSecret, otpauthUrl } from './totp.ts';
import { stepOfFactor, useCode } from './use-code.ts';

/** Who has begun and not confirmed for so long begins anew, ms. */
const CONFIRM_MS = 3600_000;

type Tx = Parameters<typeof lockUser>[0];

/** A secret to put into an authenticator app. It does not count until a first code confirms it. */
export async function enrolTotp({ db, secrets }: Deps, user: UserRow) {
  const secret = newTotpSecret();
  await db.transaction(async (tx) => {
    await lockUser(tx, user.id);
    if ((await lockTotp(tx, user.id))?.confirmedAt) throw new Problem('mfa_enrolled');
    await beginTotp(tx, user.id, await seal(secrets.factors, secret));
  });
  return { secret, otpauthUrl: otpauthUrl(secret, user.email) };
}

/**
 * Makes the secret count, and returns the recovery codes, once.
 *
 * @throws {Problem} `invalid_code`, `mfa_enrolled`, `conflict` when nothing was begun, `rate_limited`
 */
export async function confirmEnrolment(deps: Deps, caller: Caller, code: string, visit: Visit) {
  return withCode(deps, caller, visit, async (tx, user) => {
    const factor = await lockTotp(tx, user.id);
    if (factor?.confirmedAt) throw new Problem('mfa_enrolled');
    if (factor === undefined || factor.createdAt.getTime() < Date.now() - CONFIRM_MS) {
      throw new Problem('conflict', 'Begin with POST /auth/mfa/totp.');
    }
    const step = await stepOfFactor(deps.secrets, factor, code.replace(/\s/g, ''));
    if (step === undefined) return undefined;
    await confirmTotp(tx, user.id, step);
    const codes = await makeRecoveryCodes(tx, deps.secrets.codes, user.id);
    await audit(tx, { ...about(caller), action: 'mfa.enrolled', after: { factor: 'totp' } });
    const { traceparent } = visit;
    const { sessionId } = caller;
    await afterFactorChange(deps, tx, user, { what: 'totp_added', sessionId, traceparent });
    return codes;
  });
}

/** Removes the secret and the recovery codes. @throws {Problem} `not_found`, `invalid_code`, `rate_limited` */
export async function removeTotp(deps: Deps, caller: Caller, code: string, visit: Visit): Promise<void> {
  await withCode(deps, caller, visit, async (tx, user) => {
    if (!(await useEnrolled(deps, tx, user.id, code))) return undefined;
    await deleteTotp(tx, user.id);
    await deleteRecoveryCodes(tx, user.id);
    await deleteMfaTokens(tx, user.id);
    await audit(tx, { ...about(caller), action: 'mfa.removed', before: { factor: 'totp' } });
    const { traceparent } = visit;
    const { sessionId } = caller;
    await afterFactorChange(deps, tx, user, { what: 'totp_removed', sessionId, traceparent });
    return true;
  });
}

/** Ten new recovery codes in place of those there were. @throws {Problem} as {@link removeTotp} */
export async function renewRecoveryCodes(deps: Deps, caller: Caller, code: string, visit: Visit) {
  return withCode(deps, caller, visit, async (tx, user) => {
    if (!(await useEnrolled(deps, tx, user.id, code))) return undefined;
    await audit(tx, { ...about(caller), action: 'mfa.recovery_codes_made' });
    return makeRecoveryCodes(tx, deps.secrets.codes, user.id);
  });
}

async function useEnrolled({ secrets }: Deps, tx: Tx, userId: string, code: string) {
  if (!(await lockTotp(tx, userId))?.confirmedAt)
    throw new Problem('not_found', 'No second factor is set up.');
  return useCode(secrets, tx, userId, code);
}

const about = ({ userId, sessionId }: Caller) => ({ actorId: userId, userId, sessionId });

/** Runs an effect that undefined says a wrong code of: that is counted, written down, and refused. */
async function withCode<Result>(
  { db, codeLimit }: Deps,
  { userId }: Caller,
  visit: Visit,
  effect: (tx: Tx, user: UserRow) => Promise<Result | undefined>,
): Promise<Result> {
  const result = await codeLimit.attempt(
    userId,
    (spent) =>
      db.transaction(async (tx) => {
        const user = await lockUser(tx, userId);
        if (user === undefined) throw new Problem('unauthenticated');
        const result = await effect(tx, user);
        if (result === undefined) await recordWrongCode(tx, userId, visit, spent);
        return result;
      }),
    (result) => result === undefined,
  );
  if (result === undefined) throw new Problem('invalid_code');
  return result;
}
