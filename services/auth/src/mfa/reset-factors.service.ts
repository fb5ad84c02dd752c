import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { lockUser } from '../accounts/accounts.repository.ts';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { sendMail } from '../mail/send-mail.ts';
import { endSessions } from '../revocation/revoke.ts';
import { countFactors } from './factors.repository.ts';
import { deleteMfaTokens } from './mfa-tokens.ts';
import { deletePasskeys } from './passkeys.repository.ts';
import { deleteRecoveryCodes } from './recovery-codes.ts';
import { deleteTotp } from './totp.repository.ts';

/**
 * Takes every factor from a user who cannot show them any more. Nothing happens where there is none.
 *
 * @throws {Problem} `not_found`; `forbidden` for oneself, as that would be a way around showing them.
 */
export async function resetFactors(
  { db, env, secrets }: Deps,
  { userId: actorId }: Caller,
  userId: string,
  traceparent: string | undefined,
): Promise<void> {
  if (userId === actorId) throw new Problem('forbidden', 'Another administrator has to do this for you.');
  await db.transaction(async (tx) => {
    const user = await lockUser(tx, userId);
    if (user === undefined) throw new Problem('not_found', 'No such user.');
    const { totp, passkeys } = await countFactors(tx, userId);
    if (totp === undefined && passkeys === 0) return;
    await deleteTotp(tx, userId);
    await deleteRecoveryCodes(tx, userId);
    await deleteMfaTokens(tx, userId);
    await deletePasskeys(tx, userId);
    const before = { totp: totp !== undefined, passkeys };
    await audit(tx, { action: 'mfa.reset', actorId, userId, before });
    const { username, email: to, locale } = user;
    await sendMail(tx, secrets.mails, { to, locale, template: 'factors_reset', parameters: { username } });
    const lifeSeconds = env.ACCESS_TOKEN_SECONDS;
    await endSessions(tx, userId, 'all', { actorId, reason: 'factors_reset', lifeSeconds, traceparent });
  });
}
