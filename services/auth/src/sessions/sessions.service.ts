import type { Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import { Problem } from '@tertulia/shared/http/problem';
import type { UserRow } from '../accounts/accounts.schema.ts';
import type { Deps } from '../deps.ts';
import { hashOf, randomToken } from '../keys/seal.ts';
import { powerOf } from '../mfa/admin-power.ts';
import {
  findRefreshToken,
  insertRefreshToken,
  insertSession,
  lockRefreshToken,
  revokeSession,
  rotate,
  type SessionRow,
} from './sessions.repository.ts';

export type Device = { userAgent: string | undefined; address: string; traceparent: string | undefined };

export type Tokens = { accessToken: string; refreshToken: string; tokenType: 'Bearer'; expiresIn: number };

/**
 * Using a refresh token again revokes its session, but for so long: two tabs, or an answer that was lost,
 * get the same successor while that is unused.
 */
const GRACE_MS = 10_000;

/** How somebody signed in: with a second factor or a passkey, and from a device that the account knew. */
export type How = { mfa: boolean; newDevice: boolean };

/** Starts a session: one sign-in on one device. */
export async function startSession(
  deps: Deps,
  tx: Tx,
  user: UserRow,
  device: Device,
  { mfa, newDevice }: How,
): Promise<Tokens> {
  const sessionId = Bun.randomUUIDv7();
  const refreshToken = randomToken();
  await insertSession(tx, {
    id: sessionId,
    userId: user.id,
    userAgent: device.userAgent?.slice(0, 512) ?? null,
    address: device.address,
    expiresAt: sessionEnd(deps),
    mfa,
  });
  await insertRefreshToken(tx, hashOf(refreshToken), sessionId);
  await announce(tx, {
    type: 'session.started',
    actorId: user.id,
    data: {
      userId: user.id,
      sessionId,
      device: device.userAgent?.slice(0, 512) ?? null,
      address: device.address,
      newDevice,
    },
    traceparent: device.traceparent,
  });
  return issue(deps, user, { id: sessionId, mfa }, refreshToken);
}

/**
 * Exchanges a refresh token for its successor, once. A second use ends the session, as one of the two users
 * is a thief, except within the grace.
 *
 * @throws {Problem} `invalid_refresh_token`
 */
export async function refresh(deps: Deps, token: string): Promise<Tokens> {
  const hash = hashOf(token);
  const successor = await successorOf(deps, token);
  const outcome = await deps.db.transaction(async (tx) => {
    const found = await lockRefreshToken(tx, hash);
    if (found === undefined) return undefined;
    const { token: row, session, user } = found;
    if (session.revokedAt !== null || session.expiresAt.getTime() < Date.now()) return undefined;
    if (row.usedAt === null) {
      await rotate(tx, hash, hashOf(successor), session, sessionEnd(deps));
      return { user, session };
    }
    const next = await findRefreshToken(tx, hashOf(successor));
    const benign = Date.now() - row.usedAt.getTime() < GRACE_MS && next !== undefined && next.usedAt === null;
    if (benign) return { user, session };
    // Committed, so returned rather than thrown.
    await revokeSession(tx, session.id);
    return undefined;
  });
  if (outcome === undefined) throw new Problem('invalid_refresh_token');
  return issue(deps, outcome.user, outcome.session, successor);
}

async function issue(
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

const sessionEnd = ({ env }: Deps) => new Date(Date.now() + env.SESSION_DAYS * 86_400_000);

/** Computed, not drawn: a repeated call gets the same one, though only hashes are kept. */
async function successorOf({ secrets }: Deps, token: string): Promise<string> {
  return Buffer.from(await crypto.subtle.sign('HMAC', secrets.refresh, Buffer.from(token))).toString(
    'base64url',
  );
}
