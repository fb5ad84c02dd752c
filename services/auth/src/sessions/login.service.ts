import type { Db, Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import type { AppEnv } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Context } from 'hono';
import { lockUser, updateUser } from '../accounts/accounts.repository.ts';
import { toUser, type UserRow } from '../accounts/accounts.schema.ts';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { askForSecondFactor } from '../mfa/ask-second-factor.ts';
import { findTotp } from '../mfa/totp.repository.ts';
import { assertNotEnding, assertNotSuspended } from '../suspensions/suspension.ts';
import { deviceTokenOf, giveDeviceToken, rememberDevice } from './devices.ts';
import type { Failure } from './lockout.ts';
import { handOver } from './refresh-cookie.ts';
import { startSession, type Tokens } from './sessions.service.ts';

/** From where, and with what, somebody signs in. */
export type Visit = {
  userAgent: string | undefined;
  address: string;
  traceparent: string | undefined;
  /** What the device was given at an earlier sign-in. */
  deviceToken: string | undefined;
};

export function visitOf<Env extends AppEnv>(c: Context<Env>): Visit {
  const { address, traceparent } = c.var;
  return { userAgent: c.req.header('User-Agent'), address, traceparent, deviceToken: deviceTokenOf(c) };
}

export type SignedIn = { user: UserRow; tokens: Tokens; deviceToken: string };

/**
 * What follows a right password, under the lock of the user's row: nobody slips in with a password that was
 * changed, or into an account that was suspended, in the meantime. A problem that must leave something
 * behind, such as the token of a second factor, is returned, so that it is committed; others are thrown.
 *
 * `freshHash` is there when the old one was made with other parameters than those of today.
 */
export async function admit(
  deps: Deps,
  tx: Tx,
  known: UserRow,
  visit: Visit,
  freshHash?: string,
): Promise<SignedIn | Problem> {
  // Sent together, done in this order: what the second sees is under the lock as well.
  const [user, factor] = await Promise.all([lockUser(tx, known.id), findTotp(tx, known.id)]);
  // A change of the password comes with a new generation; a mere rehash, by a parallel sign-in, does not.
  const changed = user?.passwordHash !== known.passwordHash && user?.generation !== known.generation;
  if (user === undefined || changed) throw new Problem('invalid_credentials');
  refuseBarred(user);
  if (freshHash !== undefined) await updateUser(tx, user.id, { passwordHash: freshHash });
  if (factor !== undefined) return askForSecondFactor(tx, user.id);
  return completeSignIn(deps, tx, user, visit, { mfa: false });
}

/** What bars an account, in whichever way its owner signs in; the user's row is locked. @throws {Problem} */
export function refuseBarred(user: UserRow): void {
  assertNotSuspended(user);
  assertNotEnding(user);
}

/** The end of every way to sign in: by password, second factor, passkey, or a new account. */
export async function completeSignIn(
  deps: Deps,
  tx: Tx,
  user: UserRow,
  visit: Visit,
  { mfa, isNewAccount = false }: { mfa: boolean; isNewAccount?: boolean },
): Promise<SignedIn> {
  const [device, { sessionId, tokens }] = await allDone([
    rememberDevice(tx, user.id, visit.deviceToken),
    startSession(deps, tx, user, visit, mfa),
  ]);
  const { address, userAgent, traceparent } = visit;
  const about = { actorId: user.id, userId: user.id };
  const newDevice = device.isNew && !isNewAccount;
  const after = { mfa, newDevice };
  const personal = { address, userAgent };
  const name = userAgent?.slice(0, 512) ?? null;
  const data = { userId: user.id, sessionId, device: name, address, newDevice };
  await allDone([
    announce(tx, { type: 'session.started', actorId: user.id, data, traceparent }),
    isNewAccount ? undefined : audit(tx, { ...about, action: 'login.succeeded', after, personal }),
  ]);
  return { user, tokens, deviceToken: device.token };
}

/**
 * What is sent together, in one trip. Fails once all of it has come to an end: a statement that is sent after
 * that of the transaction would be none of it.
 */
async function allDone<Results extends readonly unknown[]>(work: [...Results]) {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** The answer to every way to sign in: the body, and what travels in headers. */
export function signedInBody(c: Context<AppEnv>, { user, tokens, deviceToken }: SignedIn) {
  giveDeviceToken(c, deviceToken);
  return { user: toUser(user), ...handOver(c, tokens) };
}

/**
 * Writes down a wrong password. For an account that does not exist it does the same work, so that time tells
 * nothing. The user hears of the first in a window and of the last, not of each.
 */
export async function recordFailure(
  db: Db,
  user: UserRow | undefined,
  { address, userAgent, traceparent }: Omit<Visit, 'deviceToken'>,
  { first, locks }: Failure,
): Promise<void> {
  const about = { actorId: null, userId: user?.id ?? null, personal: { address, userAgent } };
  const told = user !== undefined && (first || locks) ? [user.id] : [];
  await db.transaction(async (tx) => {
    await audit(tx, { ...about, action: 'login.failed' });
    if (locks) await audit(tx, { ...about, action: 'login.locked' });
    const device = userAgent?.slice(0, 512) ?? null;
    await announce(
      tx,
      ...told.map((userId) => ({
        type: 'login.failed' as const,
        actorId: null,
        data: { userId, device, address },
        traceparent,
      })),
    );
  });
}
