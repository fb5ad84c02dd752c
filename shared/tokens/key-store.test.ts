import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createLog } from '../runtime/log.ts';
import { eventually } from '../testing/eventually.ts';
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts';
import { SPINE_MIGRATIONS } from '../testing/spine.ts';
import { createTestTokens, type TestTokens } from '../testing/tokens.ts';
import { keyStore } from './key-store.ts';
import { remoteKeys } from './keys.ts';
import { createRevocations } from './revocations.ts';
import { verificationKeys } from './tables.ts';
import { createTokenVerifier } from './verify.ts';

const log = createLog('test', 'silent');
let database: TestDatabase;
let tokens: TestTokens;
let other: TestTokens;
beforeAll(async () => {
  database = await createTestDatabase(SPINE_MIGRATIONS);
  [tokens, other] = await Promise.all([createTestTokens(), createTestTokens()]);
});
afterAll(() => database.drop());

/** A process's worth of a service: what it verifies with. */
function startService(authUrl: string) {
  const keys = remoteKeys(authUrl, log, keyStore(database.db));
  const revocations = createRevocations();
  const options = { issuer: 'tertulia', audience: 'tertulia', revocations };
  return { keys, revocations, verifier: createTokenVerifier({ keys, ...options }) };
}

const keptKids = async () => (await database.db.select().from(verificationKeys)).map(({ kid }) => kid);
const headerOf = (kid: string) => ({ alg: 'EdDSA', typ: 'JWT', kid });

describe('the key set in a service’s own table', () => {
  test('a process that starts while auth is away verifies by what was learnt before it', async () => {
    const jwk = { ...tokens.signer.publicJwk, kid: 'test' };
    const auth = Bun.serve({ port: 0, fetch: () => Response.json({ keys: [jwk] }) });
    const { token, id } = await tokens.user();
    const url = auth.url.href;
    await expect(startService('http://127.0.0.1:1').verifier.verify(token)).rejects.toThrow();
    expect((await startService(url).verifier.verify(token)).userId).toBe(id);
    await eventually(async () => (await keptKids()).includes('test'));
    await auth.stop(true);

    const { verifier } = startService(url);
    expect((await verifier.verify(token)).userId).toBe(id);
    const forged = other.signer.sign(headerOf('test'), other.claims());
    await expect(verifier.verify(forged)).rejects.toMatchObject({ code: 'unauthenticated' });
    const unknown = tokens.signer.sign(headerOf('unknown'), tokens.claims());
    await expect(verifier.verify(unknown)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('a key that has left the set is forgotten with the next fetch, and takes its tokens along', async () => {
    const [old, next] = [tokens, other].map(({ signer }, n) => ({ ...signer.publicJwk, kid: `key ${n}` }));
    let keys: unknown[] = [old, next];
    const auth = Bun.serve({ port: 0, fetch: () => Response.json({ keys }) });
    const service = startService(auth.url.href);
    const token = tokens.signer.sign(headerOf('key 0'), tokens.claims());
    const staying = other.signer.sign(headerOf('key 1'), other.claims());
    for (const good of [token, staying]) await service.verifier.verify(good);
    await eventually(async () => (await keptKids()).length === 2);
    // An answer with no key is none.
    keys = [];
    await eventually(() => service.keys.find('unknown').then((key) => key === undefined));
    await service.verifier.verify(token);
    keys = [next];
    // An unknown key is asked for once a second.
    await eventually(async () => {
      await service.keys.find('unknown');
      return service.keys.holds?.('key 0') === false;
    });
    await expect(service.verifier.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
    await service.verifier.verify(staying);
    await eventually(async () => String(await keptKids()) === 'key 1');
    await auth.stop(true);
    // Not from the table either.
    await expect(startService(auth.url.href).verifier.verify(token)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  test('a leaked key is outdated at once, remembered or not, whatever the key set says', async () => {
    const jwk = { ...tokens.signer.publicJwk, kid: 'test' };
    const auth = Bun.serve({ port: 0, fetch: () => Response.json({ keys: [jwk] }) });
    const { verifier, revocations } = startService(auth.url.href);
    const [seen, unseen] = [await tokens.user(), await tokens.user()];
    await verifier.verify(seen.token);
    const service = tokens.signer.sign(headerOf('test'), {
      ...tokens.claims(),
      use: 'service',
      aud: 'tertulia:services',
    });
    expect(await verifier.verifyService(service)).toBeString();
    const none = { userId: seen.id, sessionIds: [], minGeneration: null };
    revocations.add([{ seq: 1, ...none, kids: ['test'], expiresAt: new Date(Date.now() + 60_000) }]);
    for (const { token } of [seen, unseen]) {
      await expect(verifier.verify(token)).rejects.toMatchObject({ detail: 'The access token is outdated.' });
    }
    await expect(verifier.verifyService(service)).rejects.toMatchObject({ code: 'unauthenticated' });
    await auth.stop(true);
  });
});
