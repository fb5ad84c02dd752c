import type { Tx } from '@tertulia/shared/db/database';
import { Problem } from '@tertulia/shared/http/problem';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { hashOf } from '../keys/seal.ts';
import { endSessions } from '../revocation/revoke.ts';
import { findRefreshToken, lockRefreshToken, rotate, type SessionRow } from './sessions.repository.ts';
import { type Device, issue, sessionEnd, type Tokens } from './sessions.service.ts';

/**
 * Using a refresh token again revokes its session, but for so long: two tabs, or an answer that was lost,
 * get the same successor while that is unused.
 */
const GRACE_MS = 10_000;

/**
 * Exchanges a refresh token for its successor, once. A second use ends the session, as one of the two users
 * is a thief, except within the grace.
 *
 * @throws {Problem} `invalid_refresh_token`
 */
export async function refresh(deps: Deps, token: string, device: Device): Promise<Tokens> {
  const hash = hashOf(token);
  const successor = await successorOf(deps, token);
  const outcome = await deps.db.transaction(async (tx) => {
    const found = await lockRefreshToken(tx, hash);
    if (found === undefined) return undefined;
    const { token: row, session, user } = found;
    if (session.revokedAt !== null || session.expiresAt.getTime() < Date.now()) return undefined;
    if (row.usedAt === null) {
      await rotate(tx, row, hashOf(successor), session, sessionEnd(deps));
      return { user, session };
    }
    const next = await findRefreshToken(tx, hashOf(successor));
    const benign = Date.now() - row.usedAt.getTime() < GRACE_MS && next !== undefined && next.usedAt === null;
    if (benign) return { user, session };
    // Committed, so returned rather than thrown.
    await endFamily(deps, tx, session, device);
    return undefined;
  });
  if (outcome === undefined) throw new Problem('invalid_refresh_token');
  return issue(deps, outcome.user, outcome.session, successor);
}

async function endFamily({ env }: Deps, tx: Tx, session: SessionRow, device: Device): Promise<void> {
  const { id: sessionId, userId } = session;
  const { address, userAgent, traceparent } = device;
  await audit(tx, {
    action: 'session.reuse_detected',
    actorId: null,
    userId,
    sessionId,
    personal: { address, userAgent },
  });
  const cause = { actorId: null, reason: 'reuse', lifeSeconds: env.ACCESS_TOKEN_SECONDS, traceparent };
  await endSessions(tx, userId, { only: sessionId }, cause);
}

/** Computed, not drawn: a repeated call gets the same one, though only hashes are kept. */
async function successorOf({ secrets }: Deps, token: string): Promise<string> {
  return Buffer.from(await crypto.subtle.sign('HMAC', secrets.refresh, Buffer.from(token))).toString(
    'base64url',
  );
}
