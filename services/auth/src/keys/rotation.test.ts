import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createPublicKey, verify } from 'node:crypto';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import { eventually } from '@tertulia/shared/testing/eventually';
import { type KeySource, type PublicJwk, remoteKeys } from '@tertulia/shared/tokens/keys';
import { createRevocations } from '@tertulia/shared/tokens/revocations';
import { createTokenVerifier } from '@tertulia/shared/tokens/verify';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { allowInsecureRequests, discovery } from 'openid-client';
import { createTestApp } from '../test-app.ts';
import { openReplica } from './replica.ts';

const LEAD_SECONDS = 2;
const ROTATIONS = 5;

type Auth = Awaited<ReturnType<typeof createTestApp>>;
let auth: Auth;
let replica: Awaited<ReturnType<typeof openReplica>>;
let server: Bun.Server<undefined>;
let issuer: string;
let admin: Awaited<ReturnType<Auth['signUp']>>;

beforeAll(async () => {
  const port = await freePort();
  issuer = `http://localhost:${port}`;
  auth = await createTestApp({ TOKEN_ISSUER: issuer, KEY_LEAD_SECONDS: String(LEAD_SECONDS) });
  server = Bun.serve({ port, fetch: (request) => auth.app.fetch(request) });
  replica = await openReplica(auth);
  admin = await auth.signUp('ADMIN');
});
afterAll(async () => {
  await replica?.close();
  await server?.stop(true);
  await auth?.close();
});

const kidOf = (token: string) => decodeProtectedHeader(token).kid ?? '';
/** Everything that a stranger knows is the issuer. */
const discover = () =>
  discovery(new URL(issuer), 'anybody', undefined, undefined, { execute: [allowInsecureRequests] });
const jwksUri = async () => new URL((await discover()).serverMetadata().jwks_uri ?? '');

/** A service that verifies by the key set that it fetches, as media and comments do. */
const remoteVerifier = () => verifierBy(remoteKeys(issuer, auth.deps.log));

function verifierBy(keys: KeySource) {
  return createTokenVerifier({ keys, issuer, audience: 'tertulia', revocations: createRevocations() });
}

/** `jose`, as its documentation says, but for times that fit a lead of two seconds instead of ten minutes. */
async function joseVerifier() {
  const keys = createRemoteJWKSet(await jwksUri(), { cooldownDuration: 500, cacheMaxAge: 60_000 });
  return (token: string) => jwtVerify(token, keys, { issuer, audience: 'tertulia', algorithms: ['EdDSA'] });
}

/** A token as the given replica signs it now, of a session that lives. */
function signOn({ keys }: Auth['deps']): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const who = { sub: admin.id, sid: Bun.randomUUIDv7(), ver: 0, role: 'USER', username: 'x' };
  const times = { iat: now, exp: now + 900, jti: Bun.randomUUIDv7() };
  return keys.sign({ use: 'access', iss: issuer, aud: 'tertulia', ...who, ...times });
}

describe('verifiers that know the issuer alone', () => {
  test('openid-client finds the keys, and what it finds is true', async () => {
    const found = (await discover()).serverMetadata();
    expect(found).toMatchObject({
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      id_token_signing_alg_values_supported: ['EdDSA'],
      subject_types_supported: ['public'],
      response_types_supported: [],
    });
    expect(found.authorization_endpoint).toBeUndefined();
    expect(found.token_endpoint).toBeUndefined();
    expect((await fetch(found.jwks_uri ?? '')).ok).toBe(true);
    expect((await fetch(String(found.service_documentation))).ok).toBe(true);
  });

  test('jose verifies a token by them', async () => {
    const { payload } = await (await joseVerifier())(admin.token);
    expect(payload).toMatchObject({ iss: issuer, sub: admin.id, role: 'ADMIN' });
  });

  test('a library of another address is told, not misled', async () => {
    const elsewhere = new URL(issuer.replace('localhost', '127.0.0.1'));
    const options = { execute: [allowInsecureRequests] };
    await expect(discovery(elsewhere, 'anybody', undefined, undefined, options)).rejects.toThrow();
  });

  test('404 where the issuer is a name', async () => {
    const named = await createTestApp({ TOKEN_ISSUER: 'tertulia' });
    expect((await named.call('GET', '/.well-known/openid-configuration')).status).toBe(404);
    await named.close();
  });
});

describe('jsonwebtoken', () => {
  // Version 9 knows no EdDSA (RFC 8037): it refuses every such token, whatever it is given.
  test('refuses what it does not know; the key as a KeyObject verifies what it decodes', async () => {
    const decoded = jsonwebtoken.decode(admin.token, { complete: true });
    expect(decoded?.payload).toMatchObject({ iss: issuer, aud: 'tertulia', sub: admin.id });
    const { keys } = (await (await fetch(await jwksUri())).json()) as { keys: PublicJwk[] };
    const jwk = keys.find(({ kid }) => kid === decoded?.header.kid);
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
    expect(() => jsonwebtoken.verify(admin.token, key, { algorithms: ['EdDSA' as never] })).toThrow(
      'Unknown key type "ed25519"',
    );
    const [head, payload, signature = ''] = admin.token.split('.');
    const text = Buffer.from(`${head}.${payload}`);
    expect(verify(null, text, key, Buffer.from(signature, 'base64url'))).toBe(true);
    expect(verify(null, Buffer.from(`${head}.x`), key, Buffer.from(signature, 'base64url'))).toBe(false);
  });
});

test('through five rotations no good token is refused: by a replica, a service, or jose', async () => {
  const services = [remoteVerifier(), remoteVerifier()];
  const judges = [...services, verifierBy(auth.deps.keys.source), replica.verifier];
  const jose = await joseVerifier();
  const refused: unknown[] = [];
  const kids = new Set<string>();
  /** One of each key, tried again and again. */
  const kept = new Map<string, string>();
  let verified = 0;
  let over = false;

  async function judge(token: string): Promise<void> {
    const verdicts = await Promise.allSettled([...judges.map((each) => each.verify(token)), jose(token)]);
    verified += verdicts.length;
    for (const verdict of verdicts) if (verdict.status === 'rejected') refused.push(verdict.reason);
  }

  /** Tokens of both replicas, fresh ones, so that nothing is answered from memory, and those of every key. */
  async function hammer(): Promise<void> {
    while (!over) {
      for (const token of await Promise.all([signOn(auth.deps), signOn(replica.deps)])) {
        kids.add(kidOf(token));
        if (!kept.has(kidOf(token))) kept.set(kidOf(token), token);
        await judge(token);
      }
      for (const token of kept.values()) await judge(token);
      await Bun.sleep(5);
    }
  }

  /** Makes every service look for keys that are none, all the time. */
  async function distract(): Promise<void> {
    const [head = '', payload, signature] = admin.token.split('.');
    while (!over) {
      const header = JSON.parse(Buffer.from(head, 'base64url').toString());
      const forged = Buffer.from(JSON.stringify({ ...header, kid: Bun.randomUUIDv7() })).toString(
        'base64url',
      );
      const token = `${forged}.${payload}.${signature}`;
      for (const each of services) await expect(each.verify(token)).rejects.toThrow();
      await Bun.sleep(20);
    }
  }

  const running = [hammer(), hammer(), distract()];
  for (let n = 1; n <= ROTATIONS; n++) {
    const { status, body } = await auth.call('POST', '/auth/keys/rotate', { as: admin });
    expect(status).toBe(201);
    await eventually(() => kids.has(body.kid), { ms: 30_000 });
  }
  over = true;
  await Promise.all(running);
  expect(refused).toEqual([]);
  expect(kids.size).toBe(ROTATIONS + 1);
  expect(verified).toBeGreaterThan(100);
  // Who comes now, and has seen none of it, takes a token of every key.
  for (const token of kept.values()) await remoteVerifier().verify(token);
}, 120_000);
