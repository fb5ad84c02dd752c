import type { z } from '@hono/zod-openapi';
import { generateRegistrationOptions, verifyRegistrationResponse } from '@simplewebauthn/server';
import { isUniqueViolation } from '@tertulia/shared/db/unavailable';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import { lockUser } from '../accounts/accounts.repository.ts';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import type { Visit } from '../sessions/login.service.ts';
import { CHALLENGE_SECONDS, makeChallenge, takeChallenge, uuidBytes } from './challenges.ts';
import { afterFactorChange } from './factor-changes.ts';
import { deletePasskey, insertPasskey, listPasskeys, type PasskeyRow } from './passkeys.repository.ts';
import type { registrationResponse } from './passkeys.schema.ts';
import { ALGORITHMS, relyingPartyOf } from './relying-party.ts';

export const MAX_PASSKEYS = 20;

/** What `navigator.credentials.create` is called with. @throws {Problem} `conflict` when there are too many. */
export async function creationOptions({ db, env, findUser }: Deps, { userId }: Caller) {
  const [user, existing] = await Promise.all([findUser(userId), listPasskeys(db, userId)]);
  if (user === undefined) throw new Problem('unauthenticated');
  if (existing.length >= MAX_PASSKEYS) throw tooMany();
  const { id: rpID, name: rpName } = relyingPartyOf(env);
  return generateRegistrationOptions({
    rpID,
    rpName,
    userID: uuidBytes(userId),
    userName: user.email,
    userDisplayName: user.displayName ?? user.username,
    challenge: await makeChallenge(db, userId),
    timeout: CHALLENGE_SECONDS * 1000,
    attestationType: 'none',
    excludeCredentials: existing.map(({ id, transports }) => ({ id, transports })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

type Registration = { name: string; credential: z.infer<typeof registrationResponse> };

/** Adds a passkey. @throws {Problem} `invalid_passkey`, `conflict` */
export async function addPasskey(
  deps: Deps,
  caller: Caller,
  { name, credential }: Registration,
  visit: Visit,
): Promise<PasskeyRow> {
  const { db, env } = deps;
  const { userId, sessionId } = caller;
  const challenge = await takeChallenge(db, credential.response.clientDataJSON, userId);
  if (challenge === undefined) throw new Problem('invalid_passkey', 'Ask for new options.');
  const { id: rpId, origin } = relyingPartyOf(env);
  const verified = await verifyRegistrationResponse({
    response: credential as Parameters<typeof verifyRegistrationResponse>[0]['response'],
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: rpId,
    requireUserVerification: true,
    supportedAlgorithmIDs: ALGORITHMS,
    // The library throws for whatever it does not like.
  }).catch((cause: unknown) => {
    throw new Problem('invalid_passkey', undefined, { cause });
  });
  if (!verified.verified) throw new Problem('invalid_passkey');
  const { id, publicKey, counter } = verified.registrationInfo.credential;
  return db.transaction(async (tx) => {
    const user = await lockUser(tx, userId);
    if (user === undefined) throw new Problem('unauthenticated');
    if ((await listPasskeys(tx, userId)).length >= MAX_PASSKEYS) throw tooMany();
    const row = await insertPasskey(tx, {
      id,
      userId,
      publicKey: Buffer.from(publicKey).toString('base64url'),
      counter,
      transports: credential.response.transports ?? [],
      name,
    }).catch((error: unknown) => {
      if (isUniqueViolation(error)) throw new Problem('conflict', 'This passkey is known already.');
      throw error;
    });
    await audit(tx, { action: 'passkey.added', actorId: userId, userId, sessionId, after: { passkey: id } });
    const { traceparent } = visit;
    await afterFactorChange(deps, tx, user, { what: 'passkey_added', sessionId, traceparent });
    return row;
  });
}

/** @throws {Problem} `not_found` */
export async function removePasskey(deps: Deps, caller: Caller, id: string, visit: Visit): Promise<void> {
  const { userId, sessionId } = caller;
  await deps.db.transaction(async (tx) => {
    const user = await lockUser(tx, userId);
    if (user === undefined || !(await deletePasskey(tx, userId, id))) {
      throw new Problem('not_found', 'You have no such passkey.');
    }
    const before = { passkey: id };
    await audit(tx, { action: 'passkey.removed', actorId: userId, userId, sessionId, before });
    const { traceparent } = visit;
    await afterFactorChange(deps, tx, user, { what: 'passkey_removed', sessionId, traceparent });
  });
}

const tooMany = () => new Problem('conflict', `There are at most ${MAX_PASSKEYS} passkeys.`);
