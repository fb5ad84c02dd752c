import type { Tx } from '@tertulia/shared/db/database';
import type { UserRow } from '../accounts/accounts.schema.ts';
import type { Deps } from '../deps.ts';
import { type MailParameters, sendMail } from '../mail/send-mail.ts';
import { outdateTokens } from '../revocation/revoke.ts';
import { countFactors, markSession, unmarkSessions } from './factors.repository.ts';

type Change = {
  what: MailParameters['factor_changed']['what'];
  sessionId: string;
  traceparent: string | undefined;
};

/**
 * What follows when a user has added a factor or removed one: a mail; the session in which one was added counts
 * as started with it, and without any factor left no session does. An administrator's tokens are outdated
 * where that changes what they carry, so that the next refresh has it.
 */
export async function afterFactorChange(
  { env, secrets }: Deps,
  tx: Tx,
  user: UserRow,
  { what, sessionId, traceparent }: Change,
): Promise<void> {
  const { username, email: to, locale } = user;
  await sendMail(tx, secrets.mails, {
    to,
    locale,
    template: 'factor_changed',
    parameters: { username, what },
  });
  const added = what.endsWith('_added');
  const left = await countFactors(tx, user.id);
  if (added) await markSession(tx, sessionId);
  else if (left.totp === undefined && left.passkeys === 0) await unmarkSessions(tx, user.id);
  else return;
  if (env.REQUIRE_ADMIN_MFA && user.role === 'ADMIN') {
    await outdateTokens(tx, user.id, {
      actorId: user.id,
      lifeSeconds: env.ACCESS_TOKEN_SECONDS,
      traceparent,
    });
  }
}
