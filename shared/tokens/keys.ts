import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Log } from '../runtime/log.ts';

/** Finds the public key of a `kid`; undefined when there is none. */
export type KeySource = { find(kid: string): Promise<CryptoKey | undefined> };

/** One public Ed25519 key of a JWKS (RFC 7517, RFC 8037). */
export const publicJwk = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1).max(64),
  x: z.string().min(40).max(48),
  alg: z.literal('EdDSA').optional(),
  use: z.literal('sig').optional(),
});
export type PublicJwk = z.infer<typeof publicJwk>;

/** Keys that this service does not know are skipped, so that a new kind of key does no harm. */
const keySet = z.object({
  keys: z.array(z.unknown()).transform((keys) => keys.flatMap((key) => publicJwk.safeParse(key).data ?? [])),
});

/** Makes a JWK usable for verification. */
export function importPublicKey(jwk: PublicJwk): Promise<CryptoKey> {
  return crypto.subtle.importKey('jwk', { ...jwk, key_ops: ['verify'] }, 'Ed25519', true, ['verify']);
}

const FRESH_MS = 5 * 60_000;
const RETRY_MS = 1000;
const MAX_KEYS = 32;

/**
 * Auth's key set, fetched at first need, again every five minutes and when an unknown `kid` turns up, but
 * at most once a second, whoever asks. While auth is down, the keys that are known go on working.
 */
export function remoteKeys(authUrl: string, log: Log): KeySource {
  const url = new URL('/.well-known/jwks.json', authUrl);
  const known = new LRUCache<string, CryptoKey>({ max: MAX_KEYS });
  let fetched = 0;
  let tried = 0;
  let running: Promise<void> | undefined;

  async function fetchKeys(): Promise<void> {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000), redirect: 'error' });
    if (!answer.ok) throw new Error(`auth answered ${answer.status} for its key set`);
    for (const jwk of keySet.parse(await answer.json()).keys.slice(0, MAX_KEYS)) {
      known.set(jwk.kid, await importPublicKey(jwk));
    }
    fetched = Date.now();
  }

  function refresh(): Promise<void> {
    if (running === undefined && Date.now() - tried < RETRY_MS) return Promise.resolve();
    tried = Date.now();
    running ??= fetchKeys().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    async find(kid) {
      const key = known.get(kid);
      if (key !== undefined) {
        if (Date.now() - fetched > FRESH_MS) {
          refresh().catch((err: unknown) => log.warn({ err }, 'key set not refreshed'));
        }
        return key;
      }
      try {
        await refresh();
      } catch (error) {
        // With keys in hand an unknown kid is a bad token; without any, nobody can tell.
        if (known.size === 0) throw error;
        log.warn({ err: error }, 'key set not refreshed');
      }
      return known.get(kid);
    },
  };
}
