import { Problem } from '@tertulia/shared/http/problem';
import { lockUser } from '../accounts/accounts.repository.ts';
import type { Deps } from '../deps.ts';
import { completeSignIn, refuseBarred, type SignedIn, type Visit } from '../sessions/login.service.ts';
import { recordWrongCode } from './code-limit.ts';
import { countFailure, findMfaUser, spendMfaToken } from './mfa-tokens.ts';
import { useCode } from './use-code.ts';

/**
 * Ends a sign-in that waits for its code. What was wrong is returned, so that it is counted and committed.
 *
 * @throws {Problem} `invalid_token`, `rate_limited`, and what bars the account.
 */
export async function finishSignIn(
  deps: Deps,
  { mfaToken, code }: { mfaToken: string; code: string },
  visit: Visit,
): Promise<SignedIn> {
  const userId = await findMfaUser(deps.db, mfaToken);
  if (userId === undefined) throw new Problem('invalid_token', 'Sign in again.');
  const outcome = await deps.codeLimit.attempt(
    userId,
    (spent) =>
      deps.db.transaction(async (tx) => {
        const user = await lockUser(tx, userId);
        if (user === undefined) throw new Problem('invalid_token', 'Sign in again.');
        if (!(await useCode(deps.secrets, tx, userId, code))) {
          if (!(await countFailure(tx, mfaToken))) throw new Problem('invalid_token', 'Sign in again.');
          await recordWrongCode(tx, userId, visit, spent);
          return new Problem('invalid_code');
        }
        // Thrown: the code is given back with everything else.
        if (!(await spendMfaToken(tx, mfaToken))) throw new Problem('invalid_token', 'Sign in again.');
        refuseBarred(user);
        return completeSignIn(deps, tx, user, visit, { mfa: true });
      }),
    (outcome) => outcome instanceof Problem,
  );
  if (outcome instanceof Problem) throw outcome;
  return outcome;
}
