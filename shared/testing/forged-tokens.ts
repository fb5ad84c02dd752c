import { createPublicKey } from 'node:crypto';
import { createForger, encode, hmac, type Signer } from './signer.ts';

/** One request that must be refused: headers, or a query. */
export type Forgery = { name: string; headers?: Record<string, string>; query?: string };

type Options = {
  signer: Signer;
  /** Claims of a token that is good, of an administrator. */
  claims: Record<string, unknown>;
  /** An address that nobody may call. */
  canary: string;
  /** Whatever else this service hands out, and takes elsewhere. */
  foreign?: Record<string, string>;
};

/** Tokens that were forged, or made for something else: no service takes one of them. */
export function forgedTokens({ signer, claims, canary, foreign = {} }: Options): Forgery[] {
  const header = { alg: 'EdDSA', typ: 'JWT', kid: signer.kid };
  const good = signer.sign(header, claims);
  const tokens = {
    ...unsigned(good, header),
    ...bySecrets(signer, header, claims),
    ...byOtherKeys(header, claims, canary),
    ...byHeader(signer, header, claims),
    ...byClaims(signer, header, claims),
    ...byShape(good),
    ...foreign,
  };
  return [
    ...Object.entries(tokens).map(([name, token]) => ({
      name,
      headers: { Authorization: `Bearer ${token}` },
    })),
    ...misplaced(good),
  ];
}

type Tokens = Record<string, string>;

const named = (entries: [string, string][]): Tokens => Object.fromEntries(entries);

function unsigned(good: string, header: object): Tokens {
  const [, payload = '', signature = ''] = good.split('.');
  return named(
    ['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => {
      const start = `${encode({ ...header, alg })}.${payload}`;
      return [
        [`alg "${alg}", no signature`, `${start}.`],
        [`alg "${alg}", two parts`, start],
        [`alg "${alg}", a signature of another`, `${start}.${signature}`],
      ] as [string, string][];
    }),
  );
}

/** The public key is known to all: whoever takes it for a secret is lost. */
function bySecrets({ publicJwk }: Signer, header: object, claims: object): Tokens {
  const key = createPublicKey({ key: publicJwk as never, format: 'jwk' });
  const pem = key.export({ type: 'spki', format: 'pem' }) as string;
  const secrets: Record<string, string | Buffer> = {
    PEM: pem,
    'PEM without a newline': pem.trim(),
    DER: key.export({ type: 'spki', format: 'der' }),
    JWK: JSON.stringify(publicJwk),
    'the bytes of the key': Buffer.from(publicJwk.x ?? '', 'base64url'),
    'the text of the key': publicJwk.x ?? '',
    nothing: '',
    '"secret"': 'secret',
  };
  const sign = (alg: string, hash: 'sha256' | 'sha384' | 'sha512', secret: string | Buffer) => {
    const start = `${encode({ ...header, alg })}.${encode(claims)}`;
    return `${start}.${hmac(hash, secret, start)}`;
  };
  return {
    ...named(
      Object.entries(secrets).map(([what, secret]) => [`HS256 by ${what}`, sign('HS256', 'sha256', secret)]),
    ),
    'HS384 by PEM': sign('HS384', 'sha384', pem),
    'HS512 by PEM': sign('HS512', 'sha512', pem),
    'an HMAC that says EdDSA': sign('EdDSA', 'sha512', pem),
  };
}

function byOtherKeys(header: object, claims: object, canary: string): Tokens {
  const forger = createForger();
  const sign = (change: object) => forger.sign({ ...header, ...change }, claims);
  return {
    'another key, our kid': sign({}),
    'another key, its own kid': sign({ kid: forger.kid }),
    'another key, in `jwk`': sign({ jwk: { ...forger.publicJwk, kid: forger.kid } }),
    'another key, in `jwk`, no kid': sign({ kid: undefined, jwk: forger.publicJwk }),
    'another key, at `jku`': sign({ jku: `${canary}/jwks.json`, kid: forger.kid }),
    'another key, at `x5u`': sign({ x5u: `${canary}/cert.pem`, kid: forger.kid }),
    'another key, in `x5c`': sign({ x5c: [forger.publicJwk.x] }),
    'another key, its kid an address': sign({ kid: `${canary}/key` }),
    'says ES256': sign({ alg: 'ES256' }),
    'says RS256': sign({ alg: 'RS256' }),
  };
}

/** Well signed, each of them, by auth's own key. */
function byHeader(signer: Signer, header: object, claims: object): Tokens {
  const changes: Record<string, object> = {
    'kid unknown': { kid: 'unknown' },
    'kid a path': { kid: '../../dev/null' },
    'kid SQL': { kid: "' UNION SELECT 'k" },
    'kid of 2 KB': { kid: 'k'.repeat(2000) },
    'kid of 100 KB': { kid: 'k'.repeat(100_000) },
    'kid an array': { kid: [signer.kid] },
    'kid an object': { kid: { toString: signer.kid } },
    'kid a number': { kid: 0 },
    'kid null': { kid: null },
    'kid NUL': { kid: `${signer.kid}\0` },
    'kid empty': { kid: '' },
    'kid missing': { kid: undefined },
    'kid `__proto__`': { kid: '__proto__' },
    'kid `constructor`': { kid: 'constructor' },
    'typ missing': { typ: undefined },
    'typ of another kind': { typ: 'at+jwt' },
    'alg an array': { alg: ['EdDSA'] },
    'alg missing': { alg: undefined },
    'a critical extension': { crit: ['b64'], b64: true },
  };
  return named(
    Object.entries(changes).map(([name, change]) => [name, signer.sign({ ...header, ...change }, claims)]),
  );
}

function byClaims(signer: Signer, header: object, claims: Record<string, unknown>): Tokens {
  const now = Math.floor(Date.now() / 1000);
  const { aud } = claims;
  const changes: Record<string, object> = {
    'expired a minute ago': { iat: now - 960, exp: now - 60 },
    'expired just now': { exp: now },
    'exp missing': { exp: undefined },
    'exp null': { exp: null },
    'exp text': { exp: '9999999999' },
    'exp negative': { exp: -1 },
    'nbf in an hour': { nbf: now + 3600 },
    'nbf text': { nbf: '0' },
    'iat tomorrow': { iat: now + 86_400, exp: now + 90_000 },
    'iat missing': { iat: undefined },
    'iat text': { iat: String(now) },
    'iss of another': { iss: 'https://evil.example' },
    'iss missing': { iss: undefined },
    'iss an array': { iss: [claims.iss] },
    'aud of another': { aud: 'somebody else' },
    'aud of services': { aud: `${aud}:services` },
    'aud missing': { aud: undefined },
    'aud empty': { aud: '' },
    'aud an array': { aud: [aud, 'somebody else'] },
    'aud in other letters': { aud: String(aud).toUpperCase() },
    'use missing': { use: undefined },
    'use refresh': { use: 'refresh' },
    'use in other letters': { use: 'ACCESS' },
    'a service’s': { use: 'service', aud: `${aud}:services`, sub: 'comments' },
    'a service’s, for people': { use: 'service', sub: 'comments' },
    'sub missing': { sub: undefined },
    'sub no id': { sub: 'root' },
    'sub an array': { sub: [claims.sub] },
    'sid missing': { sid: undefined },
    'ver missing': { ver: undefined },
    'ver negative': { ver: -1 },
    'ver text': { ver: '0' },
    'role missing': { role: undefined },
    'role that is none': { role: 'ROOT' },
    'role in other letters': { role: 'admin' },
    'username missing': { username: undefined },
    'jti missing': { jti: undefined },
  };
  const plain = JSON.stringify(claims);
  return {
    ...named(
      Object.entries(changes).map(([name, change]) => [name, signer.sign(header, { ...claims, ...change })]),
    ),
    'exp beyond numbers': signer.sign(header, plain.replace(/"exp":\d+/, '"exp":1e309')),
    'claims that are a list': signer.sign(header, `[${plain}]`),
    'claims that are no JSON': signer.sign(header, plain.slice(1)),
    'claims that are nothing': signer.sign(header, ''),
  };
}

function byShape(good: string): Tokens {
  const [head = '', payload = '', signature = ''] = good.split('.');
  const role = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
  return {
    'other claims under the signature': `${head}.${encode({ ...role, sub: Bun.randomUUIDv7() })}.${signature}`,
    'a signature with one letter changed': `${head}.${payload}.${flipped}`,
    'half a signature': `${head}.${payload}.${signature.slice(0, 43)}`,
    'a signature twice': `${head}.${payload}.${signature}${signature}`,
    'four parts': `${good}.${signature}`,
    'a dot more': `${good}.`,
    'a part missing': `${head}..${signature}`,
    'an encrypted one': `${head}.${payload}.${signature}.${signature}.${signature}`,
    'three words': 'a.b.c',
    'one word': 'nonsense',
    'a refresh token’s look': 'A'.repeat(43),
    'a megabyte': `${head}.${'A'.repeat(1_000_000)}.${signature}`,
    'a header that is no JSON': `${encode('{')}.${payload}.${signature}`,
    'a header that is a list': `${encode('[]')}.${payload}.${signature}`,
  };
}

/** A good token where none belongs. */
function misplaced(good: string): Forgery[] {
  const headers = {
    Basic: `Basic ${good}`,
    'another scheme': `Token ${good}`,
    'no scheme': good,
    'a tab': `bearer\t${good}`,
    'two spaces': `Bearer  ${good}`,
    'two headers': `Bearer ${good}, Bearer ${good}`,
    'a parameter': `Bearer token=${good}`,
    'nothing but the scheme': 'Bearer',
  };
  return [
    ...Object.entries(headers).map(([name, Authorization]) => ({ name, headers: { Authorization } })),
    { name: 'in the query, as access_token', query: `access_token=${good}` },
    { name: 'in the query, as token', query: `token=${good}` },
    { name: 'in a cookie', headers: { Cookie: `access_token=${good}; Authorization=Bearer ${good}` } },
    { name: 'in a header of its own', headers: { 'X-Access-Token': good } },
    { name: 'nowhere' },
  ];
}
