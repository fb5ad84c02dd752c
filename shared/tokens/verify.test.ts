import { beforeAll, describe, expect, test } from 'bun:test';
import { createHmac } from 'node:crypto';
import { createLog } from '../runtime/log.ts';
import { createTestTokens, type TestTokens } from '../testing/tokens.ts';
import { remoteKeys } from './keys.ts';
import { TokenExpired } from './verify.ts';

let tokens: TestTokens;
beforeAll(async () => {
  tokens = await createTestTokens();
});

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A good token, taken apart and put together differently. */
async function forge(change: { header?: object; claims?: object; signature?: string }) {
  const { token } = await tokens.user();
  const [head = '', payload = '', signature = ''] = token.split('.');
  const part = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString());
  return [
    encode({ ...part(head), ...change.header }),
    encode({ ...part(payload), ...change.claims }),
    change.signature ?? signature,
  ].join('.');
}

describe('access tokens', () => {
  test('a good one tells who is calling, again from memory', async () => {
    const user = await tokens.user('MODERATOR');
    for (let n = 0; n < 2; n++) {
      const { userId, role, username, version } = await tokens.verifier.verify(user.token);
      expect({ userId, role, username, version }).toEqual({
        userId: user.id,
        role: 'MODERATOR',
        username: user.username,
        version: 0,
      });
    }
  });

  test.each(['none', 'None', 'NONE', 'nOnE', 'HS256', 'RS256', 'ES256', ''])(
    'alg %s is refused',
    async (alg) => {
      const token = await forge({ header: { alg } });
      await expect(tokens.verifier.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
      await expect(tokens.verifier.verify(token.replace(/[^.]+$/, ''))).rejects.toMatchObject({
        code: 'unauthenticated',
      });
    },
  );

  test('a secret made of the public key signs nothing', async () => {
    const unsigned = (await forge({ header: { alg: 'HS256' } })).split('.').slice(0, 2).join('.');
    for (const secret of ['', 'secret', 'test']) {
      const signature = createHmac('sha256', secret).update(unsigned).digest('base64url');
      await expect(tokens.verifier.verify(`${unsigned}.${signature}`)).rejects.toMatchObject({
        code: 'unauthenticated',
      });
    }
  });

  test.each([
    ['an unknown kid', { kid: 'other' }],
    ['a path for a kid', { kid: '../../dev/null' }],
    ['SQL for a kid', { kid: "' UNION SELECT 'k" }],
    ['a kid of 100 KB', { kid: 'k'.repeat(100_000) }],
    ['a kid that is none', { kid: ['test'] }],
    ['no kid', { kid: undefined }],
    ['no typ', { typ: undefined }],
    ['a key of its own', { kid: undefined, jwk: { kty: 'OKP' }, jku: 'http://127.0.0.1:1/' }],
  ])('%s is refused', async (_, header) => {
    await expect(tokens.verifier.verify(await forge({ header }))).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  const now = Math.floor(Date.now() / 1000);
  test.each([
    ['another use', { use: 'refresh' }],
    ['another issuer', { iss: 'evil' }],
    ['another audience', { aud: 'other' }],
    ['two audiences', { aud: ['tertulia', 'x'] }],
    ['no expiry', { exp: undefined }],
    ['text for an expiry', { exp: '9999999999' }],
    ['a subject that is no id', { sub: 'root' }],
    ['a role that is none', { role: 'ROOT' }],
    ['an issue of tomorrow', { iat: now + 86_400 }],
    ['a start in an hour', { nbf: now + 3600 }],
    ['no session', { sid: undefined }],
  ])('%s is refused, well signed as it is', async (_, claims) => {
    const { token } = await tokens.user('USER', claims as never);
    await expect(tokens.verifier.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('an expired one is told apart, also when it was good a moment ago', async () => {
    const old = await tokens.user('USER', { iat: now - 60, exp: now - 1 });
    await expect(tokens.verifier.verify(old.token)).rejects.toBeInstanceOf(TokenExpired);
  });

  test('changed claims do not fit the signature', async () => {
    await expect(tokens.verifier.verify(await forge({ claims: { role: 'ADMIN' } }))).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });
});

describe('the key set of auth', () => {
  const log = createLog('test', 'silent');
  const jwk = { kty: 'OKP', crv: 'Ed25519', kid: 'one', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };

  test('is fetched once, remembered while auth is away, and asked again for an unknown kid', async () => {
    let asked = 0;
    const server = Bun.serve({
      port: 0,
      fetch() {
        asked++;
        return Response.json({ keys: [jwk, { kty: 'RSA', kid: 'of another kind' }] });
      },
    });
    const keys = remoteKeys(server.url.href, log);
    expect(await Promise.all([keys.find('one'), keys.find('one')])).toEqual([
      expect.any(CryptoKey),
      expect.any(CryptoKey),
    ]);
    expect(asked).toBe(1);
    await server.stop(true);
    expect(await keys.find('one')).toBeInstanceOf(CryptoKey);
    // At most once a second, whoever asks.
    expect(await Promise.all(Array.from({ length: 50 }, (_, n) => keys.find(`unknown ${n}`)))).toEqual(
      Array(50).fill(undefined),
    );
  });

  test('nobody can tell while auth was never reached', async () => {
    await expect(remoteKeys('http://127.0.0.1:1', log).find('one')).rejects.toThrow();
  });
});
