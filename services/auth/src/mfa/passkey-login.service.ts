import type { z } from '@hono/zod-openapi';
import { generateAuthenticationOptions, verifyAuthenticationResponse } from '@simplewebauthn/server';
import { Problem } from '@tertulia/shared/http/problem';
import { lockUser } from '../accounts/accounts.repository.ts';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { completeSignIn, refuseBarred, type SignedIn, type Visit } from '../sessions/login.service.ts';
import { CHALLENGE_SECONDS, makeChallenge, takeChallenge, uuidBytes } from './challenges.ts';
import { findPasskey, type PasskeyRow, usePasskey } from './passkeys.repository.ts';
import type { authenticationResponse } from './passkeys.schema.ts';
import { relyingPartyOf } from './relying-party.ts';

/** What `navigator.credentials.get` is called with: any passkey of this site, so nobody says who they are. */
export async function requestOptions({ db, env }: Deps) {
  return generateAuthenticationOptions({
    rpID: relyingPartyOf(env).id,
    challenge: await makeChallenge(db, null),
    timeout: CHALLENGE_SECONDS * 1000,
    userVerification: 'required',
  });
}

type Credential = z.infer<typeof authenticationResponse>;

/**
 * Signs in who holds a passkey. That is two factors in one: the device, and what unlocks it.
 *
 * @throws {Problem} `invalid_passkey` for any flaw, and what bars the account.
 */
export async function signInByPasskey(deps: Deps, credential: Credential, visit: Visit): Promise<SignedIn> {
  const challenge = await takeChallenge(deps.db, credential.response.clientDataJSON, null);
  const known = challenge === undefined ? undefined : await findPasskey(deps.db, credential.id);
  if (challenge === undefined || known === undefined) throw new Problem('invalid_passkey');
  const outcome = await deps.db.transaction(async (tx) => {
    // One sign-in of a user at a time: the counter is that of the one before.
    const user = await lockUser(tx, known.userId);
    const passkey = await findPasskey(tx, known.id);
    if (user === undefined || passkey === undefined) throw new Problem('invalid_passkey');
    const result = await judge(deps, passkey, challenge, credential);
    if ('flaw' in result) {
      const { address, userAgent } = visit;
      const personal = { address, userAgent };
      const after = { passkey: passkey.id, counter: result.counter };
      await audit(tx, { action: 'login.failed', actorId: null, userId: user.id, after, personal });
      // Returned, so that the audit is committed.
      return new Problem('invalid_passkey', undefined, { cause: result.flaw });
    }
    refuseBarred(user);
    await usePasskey(tx, passkey.id, result.counter);
    return completeSignIn(deps, tx, user, visit, { mfa: true });
  });
  if (outcome instanceof Problem) throw outcome;
  return outcome;
}

/** The new counter, or what is wrong. A counter that does not grow means that there are two of one authenticator. */
async function judge(
  { env }: Deps,
  { id, userId, publicKey, counter, transports }: PasskeyRow,
  expectedChallenge: string,
  credential: Credential,
): Promise<{ counter: number } | { flaw: unknown; counter: number }> {
  const { id: rpId, origin } = relyingPartyOf(env);
  const { userHandle } = credential.response;
  if (userHandle != null && userHandle !== Buffer.from(uuidBytes(userId)).toString('base64url')) {
    return { flaw: 'the passkey of somebody else', counter };
  }
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: credential as Parameters<typeof verifyAuthenticationResponse>[0]['response'],
      expectedChallenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      credential: {
        id,
        publicKey: Uint8Array.from(Buffer.from(publicKey, 'base64url')),
        counter,
        transports,
      },
      requireUserVerification: true,
    });
    return verified
      ? { counter: authenticationInfo.newCounter }
      : { flaw: 'the signature is wrong', counter };
  } catch (flaw) {
    return { flaw, counter };
  }
}
