import type { Role } from '@tertulia/shared/http/context';
import type { UserRow } from '../accounts/accounts.schema.ts';
import type { AuthEnv } from '../env.ts';

/**
 * The role that the tokens of a session carry. With `REQUIRE_ADMIN_MFA`, an administrator's session that was
 * started without a second factor carries that of a USER, and the claim `withheld` tells what it would be.
 * The decision is in the token, made when it is signed: so it holds in every service, in those that know
 * nothing of second factors too, and the claim lets the guards say what to do: `mfa_enrollment_required`.
 */
export function powerOf(
  { REQUIRE_ADMIN_MFA }: Pick<AuthEnv, 'REQUIRE_ADMIN_MFA'>,
  { role }: Pick<UserRow, 'role'>,
  { mfa }: { mfa: boolean },
): { role: Role; withheld?: Role } {
  if (!REQUIRE_ADMIN_MFA || role !== 'ADMIN' || mfa) return { role };
  return { role: 'USER', withheld: role };
}
