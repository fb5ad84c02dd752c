import type { Db, Tx } from '@tertulia/shared/db/database';
import { Problem } from '@tertulia/shared/http/problem';
import { createKnownKeys } from './known-keys.ts';
import { decodeToken, encodeToken, type Grant, isGenuine, type SignedToken } from './signed-token.ts';
import {
  deleteAllBut,
  deleteRetired,
  insertKey,
  lockKeys,
  newestKeys,
  prepareFindCurrentKey,
  type UrlKey,
} from './url-keys.repository.ts';

export const MIN_SECONDS = 60;
export const MAX_SECONDS = 7 * 24 * 3600;
/** Longer than anything that a key has signed is good for. */
const RETIRED_HOURS = MAX_SECONDS / 3600 + 1;
/** Keys at a time: a script that rotates without end is told so. */
const MOST_KEYS = 100;

export type Rotation = { key: UrlKey; removed: number };

export type UrlKeys = {
  /** Signs with the newest key, which is made when there is none, or none that is young enough. */
  sign(grant: Grant): Promise<string>;
  /** What a token says, if it is genuine and not over. Whether its key is still good is asked with the media. */
  open(token: string): Promise<SignedToken | undefined>;
};

/**
 * Keys of signed URLs live in the database as they are: who can read it can sign. They have no other use, and
 * `rotate` with `revoke` makes them worthless.
 */
export function createUrlKeys(db: Db, days: number): UrlKeys {
  const findCurrent = prepareFindCurrentKey(db);
  const keys = createKnownKeys(() => newestKeys(db, MOST_KEYS));

  async function current(): Promise<UrlKey> {
    const found = await findCurrent();
    if (found !== undefined && found.ageDays < days) return found;
    return db.transaction(async (tx) => {
      await lockKeys(tx);
      // Another process may have been first.
      const [newest] = await newestKeys(tx, 1);
      if (newest !== undefined && newest.id !== found?.id) return newest;
      return addKey(tx);
    });
  }

  return {
    async sign(grant) {
      const { id, secret } = await current();
      return encodeToken(grant, id, Buffer.from(secret, 'base64url'));
    },
    async open(text) {
      const token = decodeToken(text);
      if (token === undefined) return undefined;
      const secret = await keys.find(token.keyId);
      if (secret === undefined || !isGenuine(token, secret)) return undefined;
      return token.expiresAt > Date.now() / 1000 ? token : undefined;
    },
  };
}

/**
 * A new key signs from now on. The older ones open what they signed until that has run out, or, with `revoke`,
 * nothing any more, in any process.
 *
 * @throws {Problem} `conflict` when there are very many
 */
export async function rotateKeys(tx: Tx, revoke: boolean): Promise<Rotation> {
  await lockKeys(tx);
  const retired = await deleteRetired(tx, RETIRED_HOURS);
  if (!revoke && (await newestKeys(tx, MOST_KEYS)).length === MOST_KEYS) {
    throw new Problem('conflict', `There are ${MOST_KEYS} keys already: revoke them, or wait.`);
  }
  const key = await addKey(tx);
  return { key, removed: retired + (revoke ? await deleteAllBut(tx, key.id) : 0) };
}

async function addKey(tx: Tx): Promise<UrlKey> {
  const random = (bytes: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes)));
  await deleteRetired(tx, RETIRED_HOURS);
  return insertKey(tx, random(8).toString('hex'), random(32).toString('base64url'));
}
