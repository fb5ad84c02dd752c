import type { Db } from '@tertulia/shared/db/database';
import { importPublicKey, type KeySource, type PublicJwk, publicJwk } from '@tertulia/shared/tokens/keys';
import { sign } from 'hono/jwt';
import { makeKeyPair, unsealPrivateKey } from './key-pair.ts';
import { type KeyPolicy, type KeyTimes, signerOf, timesOf } from './key-times.ts';
import { insertKey, type KeyRow, lockKeys, prepareListKeys } from './keys.repository.ts';

export type SigningKeys = {
  /**
   * Signs a token: EdDSA, with `kid` in its header.
   *
   * @throws when it would outlive its key's publication.
   */
  sign(claims: Record<string, unknown> & { exp: number }): Promise<string>;
  /** Public halves of keys that sign, are about to, or did not long ago (RFC 7517). */
  publicKeys(): PublicJwk[];
  /** For this service's own verification: no call over the network to itself. */
  source: KeySource;
  /** Looks at what the database has: another replica may have made a key. */
  reload(): Promise<void>;
  policy: KeyPolicy;
};

type Key = KeyTimes & { jwk: PublicJwk; verifying: CryptoKey; signing: JsonWebKey };

/** Nobody signs by what it knew so long ago: a key may have taken over since. */
const STALE_MS = 60_000;
const RETRY_MS = 1000;

/**
 * Loads the key pairs, making the first one where there is none. Replicas that start together take turns,
 * so there is one.
 *
 * @throws when `AUTH_SECRET` is not the one that the keys were sealed with.
 */
export async function openSigningKeys(db: Db, sealing: CryptoKey, policy: KeyPolicy): Promise<SigningKeys> {
  const listKeys = prepareListKeys(db);
  let keys: Key[] = [];
  let loaded = 0;
  let tried = 0;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function reload(): Promise<void> {
    if (running === undefined) {
      running = load().finally(() => {
        running = undefined;
      });
      return running;
    }
    // What has begun may miss what the caller has just written; what comes next, for all who wait, will not.
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return reload();
      });
    return next;
  }

  async function load(): Promise<void> {
    const at = Date.now();
    tried = at;
    const rows = await listKeys();
    const times = timesOf(
      rows.map(({ createdAt }) => createdAt),
      policy,
    );
    const opened = await Promise.all(rows.map((row, n) => open(row, times[n])));
    keys = opened.filter((key) => key !== undefined);
    loaded = at;
  }

  async function open(row: KeyRow, times: KeyTimes | undefined): Promise<Key | undefined> {
    if (times === undefined || times.retiresAt <= Date.now()) return undefined;
    const known = keys.find(({ jwk }) => jwk.kid === row.kid);
    if (known !== undefined) return { ...known, ...times };
    const jwk = publicJwk.parse(row.publicJwk);
    const [verifying, signing] = await Promise.all([
      importPublicKey(jwk),
      unsealPrivateKey(sealing, row.sealedPrivateJwk),
    ]);
    return { ...times, jwk, verifying, signing };
  }

  const living = () => keys.filter(({ retiresAt }) => retiresAt > Date.now());
  const find = (kid: string) => living().find(({ jwk }) => jwk.kid === kid)?.verifying;

  await db.transaction(async (tx) => {
    if ((await lockKeys(tx)).length === 0) await insertKey(tx, await makeKeyPair(sealing));
  });
  await reload();

  return {
    policy,
    reload,
    publicKeys: () => living().map(({ jwk }) => jwk),
    async sign(claims) {
      if (claims.exp > Date.now() / 1000 + policy.lifeSeconds + 1) {
        throw new Error('a token would outlive its key');
      }
      if (Date.now() - loaded > STALE_MS) await (running ?? reload());
      const key = signerOf(keys, Date.now());
      if (key === undefined) throw new Error('there is no signing key');
      return sign(claims, { ...key.signing, kid: key.jwk.kid, alg: 'EdDSA' } as never, 'EdDSA');
    },
    source: {
      holds: (kid) => find(kid) !== undefined,
      async find(kid) {
        const known = find(kid);
        if (known !== undefined) return known;
        // It may be of another replica's making; at most once a second, whoever asks.
        if (Date.now() - tried >= RETRY_MS) await reload();
        else await running?.catch(() => {});
        return find(kid);
      },
    },
  };
}
