import type { Tx } from '@tertulia/shared/db/database';
import type { UserRow } from '../accounts/accounts.schema.ts';
import type { Deps } from '../deps.ts';
import { hashOf, randomToken } from '../keys/seal.ts';
import { powerOf } from '../mfa/admin-power.ts';
import { endSessions } from '../revocation/revoke.ts';
import { insertRefreshToken, insertSession, listSurplus, type SessionRow } from './sessions.repository.ts';

export type Device = { userAgent: string | undefined; address: string; traceparent: string | undefined };

export type Tokens = { accessToken: string; refreshToken: string; tokenType: 'Bearer'; expiresIn: number };

export type Started = { sessionId: string; tokens: Tokens };

/**
 * Starts a session: one sign-in on one device, with a second factor or a passkey, or without. The user's row
 * must be locked: beyond `SESSIONS_PER_USER` the oldest session ends. Who calls announces it.
 */
export async function startSession(
  deps: Deps,
  tx: Tx,
  user: UserRow,
  device: Device,
  mfa: boolean,
): Promise<Started> {
  const sessionId = Bun.randomUUIDv7();
  const refreshToken = randomToken();
  const session = {
    id: sessionId,
    userId: user.id,
    userAgent: device.userAgent?.slice(0, 512) ?? null,
    address: device.address,
    expiresAt: sessionEnd(deps),
    mfa,
  };
  // Sent together, done in this order.
  const [, , surplus] = await Promise.all([
    insertSession(tx, session),
    insertRefreshToken(tx, hashOf(refreshToken), sessionId),
    listSurplus(tx, user.id, deps.env.SESSIONS_PER_USER),
  ]);
  const cause = {
    actorId: null,
    reason: 'too_many',
    lifeSeconds: deps.env.ACCESS_TOKEN_SECONDS,
    traceparent: device.traceparent,
  };
  for (const only of surplus) {
    await endSessions(tx, user.id, { only }, cause);
  }
  return { sessionId, tokens: await issue(deps, user, { id: sessionId, mfa }, refreshToken) };
}

/** A fresh access token, beside a refresh token of its session. */
export async function issue(
  { keys, env }: Deps,
  user: UserRow,
  session: Pick<SessionRow, 'id' | 'mfa'>,
  refreshToken: string,
): Promise<Tokens> {
  const now = Math.floor(Date.now() / 1000);
  const accessToken = await keys.sign({
    use: 'access',
    iss: env.TOKEN_ISSUER,
    aud: env.TOKEN_AUDIENCE,
    sub: user.id,
    sid: session.id,
    ver: user.generation,
    ...powerOf(env, user, session),
    username: user.username,
    iat: now,
    exp: now + env.ACCESS_TOKEN_SECONDS,
    jti: Bun.randomUUIDv7(),
  });
  return { accessToken, refreshToken, tokenType: 'Bearer', expiresIn: env.ACCESS_TOKEN_SECONDS };
}

/** When a session ends that is used now, and not again. */
export const sessionEnd = ({ env }: Deps) => new Date(Date.now() + env.SESSION_DAYS * 86_400_000);
