import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import type { Visit } from '../sessions/login.service.ts';
import { recordWrongCode } from './code-limit.ts';
import { confirmPassword } from './confirm-password.ts';
import { findSession } from './factors.repository.ts';
import { findTotp } from './totp.repository.ts';
import { useCode } from './use-code.ts';

/** So long a sign-in counts as fresh. */
const FRESH_MS = 10 * 60_000;

/**
 * That it is the owner who sits there: by a sign-in less than ten minutes ago, or the password again. Who has
 * an authenticator app shows a code as well, unless the session was started with one: a passkey must not
 * become a way around it.
 *
 * @throws {Problem} `invalid_credentials`, `invalid_code`, `rate_limited`
 */
export async function proveFreshly(
  deps: Deps,
  caller: Caller,
  visit: Visit,
  { password, code }: { password?: string | undefined; code?: string | undefined },
): Promise<void> {
  const [session, totp] = await Promise.all([
    findSession(deps.db, caller.sessionId),
    findTotp(deps.db, caller.userId),
  ]);
  if (session === undefined) throw new Problem('unauthenticated');
  const shown = totp === undefined || session.mfa;
  if (shown && session.createdAt.getTime() > Date.now() - FRESH_MS) return;
  if (password === undefined) throw new Problem('invalid_credentials', 'Send your password again.');
  await confirmPassword(deps, caller, visit, password);
  if (!shown) await proveCode(deps, caller.userId, visit, code);
}

async function proveCode({ db, codeLimit, secrets }: Deps, userId: string, visit: Visit, code?: string) {
  if (code === undefined) throw new Problem('invalid_code', 'Send a code as well.');
  const kind = await codeLimit.attempt(
    userId,
    (spent) =>
      db.transaction(async (tx) => {
        const kind = await useCode(secrets, tx, userId, code);
        if (kind === undefined) await recordWrongCode(tx, userId, visit, spent);
        return kind;
      }),
    (kind) => kind === undefined,
  );
  if (kind === undefined) throw new Problem('invalid_code');
}
