import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { createTestClient } from '@tertulia/shared/testing/client';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { createApp } from '../app.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { pattern, png, sha256 } from '../testing/fixtures.ts';

/** A machine that is open to imports, and one of the inside, which must never hear anything. */
const OPEN = '127.0.0.2';
const file = png(300_000);

let media: TestApp;
let ana: TestUser;
let site: ReturnType<typeof Bun.serve>;
let canary: ReturnType<typeof Bun.serve>;
let heard: string[] = [];
let asked: Headers[] = [];
/** Names of the tests' own DNS: what each answers, one time after the other. */
const names = new Map<string, string[][]>();
let lookups = 0;
let call: TestApp['call'];

beforeAll(async () => {
  canary = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      heard.push(request.url);
      return new Response(file.slice());
    },
  });
  // The same port, so that an address that has been changed meanwhile would be found by its caller.
  site = Bun.serve({ hostname: OPEN, port: canary.port ?? 0, idleTimeout: 0, fetch: answer });
  media = await createTestApp({
    IMPORT_ALLOW: `${OPEN}/32`,
    IMPORT_PORTS: `80,443,${site.port}`,
    IMPORT_SECONDS: '1',
    MEDIA_MAX_SIZE: '1000000',
  });
  ana = await media.user();
  const resolve = async (name: string) => {
    lookups += 1;
    const answers = names.get(name);
    if (answers === undefined) throw new Error('ENOTFOUND');
    return (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
  };
  call = createTestClient(createApp({ ...media.deps, resolve }));
});
afterAll(async () => {
  await Promise.all([site?.stop(true), canary?.stop(true)]);
  await media?.close();
});
beforeEach(() => {
  [heard, asked, lookups] = [[], [], 0];
});

function answer(request: Request): Response | Promise<Response> {
  // A copy: Bun's own are gone with the request.
  asked.push(new Headers([...request.headers]));
  const { pathname, searchParams } = new URL(request.url);
  const to = searchParams.get('to');
  if (to !== null) return new Response(null, { status: 302, headers: { Location: to.normalize('NFKC') } });
  const hops = Number(searchParams.get('hops') ?? 0);
  if (hops > 0) return Response.redirect(`/garden.png?hops=${hops - 1}`);
  if (pathname === '/missing') return new Response('no', { status: 404 });
  if (pathname === '/page')
    return new Response('<html></html>', { headers: { 'Content-Type': 'image/png' } });
  if (pathname === '/large') return new Response(pattern(1_000_001).slice());
  if (pathname === '/endless') return new Response(endless());
  if (pathname === '/silent') return new Promise(() => {});
  if (pathname === '/packed') {
    return new Response(Bun.gzipSync(file.slice()), { headers: { 'Content-Encoding': 'gzip' } });
  }
  return new Response(file.slice(), { headers: { 'Set-Cookie': 'a=b' } });
}

const endless = () =>
  new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
  });

const here = (path: string, host = OPEN) => `http://${host}:${site.port}${path}`;
const send = (body: unknown, headers: Record<string, string> = {}, as: TestUser | undefined = ana) =>
  call('POST', '/media/imports', { as, body, headers });

/** Refused, and no trace of it. */
async function expectNothing(url: string, code: string): Promise<void> {
  const files = await media.files();
  const { body } = await send({ url });
  expect(body.code).toBe(code);
  expect(await media.files()).toEqual(files);
}

describe('POST /media/imports', () => {
  test('201: the file is fetched, and is a media like any other', async () => {
    const { status, body, headers } = await send({
      url: here('/pictures/garden%20one.png?size=1'),
      description: 'From afar',
      tags: ['garden'],
      visibility: 'unlisted',
    });
    expect(status).toBe(201);
    expect(headers.get('Location')).toBe(`/media/${body.id}`);
    expect(body).toMatchObject({
      ownerId: ana.id,
      kind: 'image',
      filename: 'garden one.png',
      title: 'garden one',
      description: 'From afar',
      tags: ['garden'],
      visibility: 'unlisted',
      size: file.length,
      sha256: sha256(file),
      width: 1,
    });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.get('Authorization')).toBeNull();
    expect(asked[0]?.get('Accept-Encoding')).toBe('identity');
  });

  test('follows five redirects, and no sixth', async () => {
    expect((await send({ url: here('/garden.png?hops=5') })).status).toBe(201);
    await expectNothing(here('/garden.png?hops=6'), 'import_failed');
    expect(asked).toHaveLength(12);
  });

  test('Idempotency-Key: the answer is given again, the file is not fetched again', async () => {
    const headers = { 'Idempotency-Key': 'import' };
    const first = await send({ url: here('/a.png') }, headers);
    const again = await send({ url: here('/a.png') }, headers);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('Idempotency-Replayed')).toBe('true');
    expect(asked).toHaveLength(1);
    expect((await send({ url: here('/b.png') }, headers)).body.code).toBe('idempotency_key_reused');
  });

  test.each([
    ['what is none', '/missing', 'import_failed'],
    ['a page that calls itself a picture', '/page', 'unsupported_media_type'],
    ['more than is taken', '/large', 'upload_too_large'],
    ['what has no end', '/endless', 'upload_too_large'],
    ['what does not answer in time', '/silent', 'import_failed'],
    ['what is compressed', '/packed', 'import_failed'],
  ])('refuses %s, and nothing is left', async (_, path, code) => {
    await expectNothing(here(path), code);
  });

  test('what is over the quota is refused while it comes', async () => {
    const strict = await createTestApp({
      ...{ IMPORT_ALLOW: `${OPEN}/32`, IMPORT_PORTS: String(site.port), QUOTA_BYTES: '1000' },
    });
    const as = await strict.user();
    const { body } = await strict.call('POST', '/media/imports', { as, body: { url: here('/a.png') } });
    expect(body.code).toBe('quota_exceeded');
    expect(await strict.files()).toEqual([]);
    await strict.close();
  });

  test('401 without a token, 422 for other fields, 429 beyond the limit, 403 where it is turned off', async () => {
    const url = here('/a.png');
    expect((await call('POST', '/media/imports', { body: { url } })).status).toBe(401);
    for (const body of [{}, { url, owner: 'x' }, { url: 'x'.repeat(3000) }, { url, title: '' }]) {
      expect((await send(body)).status).toBe(422);
    }
    const strict = await createTestApp({ IMPORTS_PER_MINUTE: '1', RATE_LIMIT_SCALE: '1' });
    const as = await strict.user();
    const once = () => strict.call('POST', '/media/imports', { as, body: { url: 'ftp://a' } });
    expect([(await once()).status, (await once()).status]).toEqual([422, 429]);
    const off = createTestClient(createApp({ ...media.deps, env: { ...media.env, IMPORTS: 'off' } }));
    expect((await off('POST', '/media/imports', { as: ana, body: { url } })).status).toBe(403);
    expect(asked).toEqual([]);
  });
});

describe('an import is never led inside', () => {
  const inside = [
    ...['127.0.0.1', '127.1', '0x7f.1', '0x7f000001', '2130706433', '0177.0.0.1', '①②⑦.0.0.1', '127.0.0.1.'],
    ...[
      '0.0.0.0',
      '0',
      '127.0.0.3',
      '10.0.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
    ],
    ...['192.0.0.1', '192.0.2.1', '198.18.0.1', '192.88.99.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
    ...['[::1]', '[::]', '[::ffff:7f00:1]', '[::ffff:127.0.0.1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]'],
    ...['[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2001::1]', '[fe80::1]', '[fc00::1]', '[fd00:ec2::254]'],
    ...['[fec0::1]', '[ff02::1]', '[2001:db8::1]', '[100::1]'],
  ];
  test.each(inside)('%s', async (host) => {
    await expectNothing(here('/a.png', host), 'import_refused');
    await expectNothing(here(`/a.png?to=${encodeURIComponent(here('/x', host))}`), 'import_refused');
    expect(heard).toEqual([]);
  });

  test.each([
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_INFO',
    'ftp://127.0.0.1/a.png',
    'data:image/png;base64,AAAA',
    'javascript:alert(1)',
    'http://',
    'a.png',
    '//127.0.0.1/a.png',
    'http://user:secret@127.0.0.2/a.png',
    'http://127.0.0.2:22/a.png',
    'http://127.0.0.2:6379/a.png',
    'http://127.0.0.2:99999/a.png',
  ])('%s', async (url) => {
    await expectNothing(url, 'import_refused');
    expect(heard).toEqual([]);
  });

  test.each([
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_INFO',
    '//127.0.0.1/a.png',
    'http://user:secret@127.0.0.2/a.png',
    'http://127.0.0.2:22/a.png',
    'http://127.0.0.2:99999/a.png',
  ])('nor redirected to %s', async (url) => {
    await expectNothing(here(`/?to=${encodeURIComponent(url)}`), 'import_refused');
    expect(heard).toEqual([]);
  });

  test('a name that leads inside, also as one address among others', async () => {
    names.set('inside.test', [['127.0.0.1']]);
    names.set('both.test', [[OPEN, '127.0.0.1']]);
    names.set('six.test', [['::1']]);
    names.set('none.test', [[]]);
    for (const name of ['inside.test', 'both.test', 'six.test']) {
      await expectNothing(here('/a.png', name), 'import_refused');
    }
    await expectNothing(here('/a.png', 'none.test'), 'import_failed');
    await expectNothing(here('/a.png', 'unknown.test'), 'import_failed');
    expect([heard, asked]).toEqual([[], []]);
  });

  test('DNS rebinding: a name is looked up once, and what was checked is what is connected to', async () => {
    names.set('rebind.test', [[OPEN], ['127.0.0.1']]);
    const { status } = await send({ url: here('/a.png', 'rebind.test') });
    expect(status).toBe(201);
    expect(lookups).toBe(1);
    expect(asked[0]?.get('Host')).toBe(`rebind.test:${site.port}`);
    // Redirected to itself it is looked up again, and is another by now.
    names.set('turn.test', [[OPEN], ['127.0.0.1']]);
    await expectNothing(
      here(`/?to=${encodeURIComponent(here('/', 'turn.test'))}`, 'turn.test'),
      'import_refused',
    );
    expect(heard).toEqual([]);
  });

  test('the canary does hear who comes', async () => {
    await fetch(`http://127.0.0.1:${canary.port}/`);
    expect(heard).toHaveLength(1);
  });
});
