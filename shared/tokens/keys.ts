import { z } from 'zod';
import type { Log } from '../runtime/log.ts';

export type KeySource = {
  /** The public key of a `kid`; undefined when there is none. */
  find(kid: string): Promise<CryptoKey | undefined>;
  /** Whether a `kid` that was found once is still there. */
  holds?(kid: string): boolean;
};

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

/** Where a key set outlives its process. */
export type KeyStore = {
  load(): Promise<PublicJwk[]>;
  /** Takes the place of what was there. */
  save(keys: readonly PublicJwk[]): Promise<void>;
};

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
 * at most once a second, whoever asks. A key that has left it is forgotten with the next fetch. While auth is
 * down, the keys that are known go on working, those of the store too: a process may start meanwhile.
 */
export function remoteKeys(authUrl: string, log: Log, store?: KeyStore): KeySource {
  const url = new URL('/.well-known/jwks.json', authUrl);
  let known = new Map<string, CryptoKey>();
  let kept = '';
  let fetched = 0;
  let tried = 0;
  let running: Promise<void> | undefined;
  let loading: Promise<void> | undefined;

  async function load(): Promise<void> {
    if (store === undefined) return;
    const jwks = await store.load();
    // What auth has told meanwhile is younger.
    if (known.size === 0) known = await importAll(jwks);
  }

  async function fetchKeys(): Promise<void> {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000), redirect: 'error' });
    if (!answer.ok) throw new Error(`auth answered ${answer.status} for its key set`);
    const jwks = keySet.parse(await answer.json()).keys.slice(0, MAX_KEYS);
    if (jwks.length === 0) throw new Error('auth answered with no key');
    known = await importAll(jwks);
    fetched = Date.now();
    const news = JSON.stringify(jwks);
    if (store === undefined || news === kept) return;
    // They count already: a database that is away keeps nobody waiting.
    store.save(jwks).then(
      () => {
        kept = news;
      },
      (err: unknown) => log.warn({ err }, 'key set known, but not kept'),
    );
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
    holds: (kid) => known.has(kid),
    async find(kid) {
      loading ??= load().catch((err: unknown) => {
        loading = undefined;
        log.warn({ err }, 'kept key set not loaded');
      });
      await loading;
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

async function importAll(jwks: readonly PublicJwk[]): Promise<Map<string, CryptoKey>> {
  return new Map(await Promise.all(jwks.map(async (jwk) => [jwk.kid, await importPublicKey(jwk)] as const)));
}
