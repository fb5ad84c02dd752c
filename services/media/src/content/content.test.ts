import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { fetchOf } from '@tertulia/shared/http/app';
import { type Running, serve } from '@tertulia/shared/runtime/serve';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png, sha256 } from '../testing/fixtures.ts';
import { tusClient } from '../testing/tus.ts';

const file = png(200_000);
const etag = `"${sha256(file)}"`;
let media: TestApp;
let running: Running;
let ana: TestUser;
let open: string;
let secret: string;
beforeAll(async () => {
  media = await createTestApp();
  ana = await media.user();
  const tus = tusClient(media, ana);
  open = await tus.upload(file, { filename: 'año "1".png' });
  secret = await tus.upload(file, { visibility: 'private' });
  running = serve({
    fetch: fetchOf(media.app),
    hostname: '127.0.0.1',
    port: 0,
    drainSeconds: 1,
    log: media.deps.log,
  });
});
afterAll(async () => {
  await running.stop();
  await media.close();
});

/** Over a socket: what Bun adds to a file's response shows only there. */
async function get(id: string, headers: Record<string, string> = {}, method = 'GET', query = '') {
  const response = await fetch(`http://127.0.0.1:${running.port}/media/${id}/content${query}`, {
    method,
    headers,
  });
  return { status: response.status, headers: response.headers, bytes: await response.bytes() };
}

const bearer = (user: TestUser) => ({ Authorization: `Bearer ${user.token}` });

describe('GET /media/{id}/content', () => {
  test('200 with the bytes and every header that keeps them harmless', async () => {
    const { status, headers, bytes } = await get(open);
    expect(status).toBe(200);
    expect(sha256(bytes)).toBe(sha256(file));
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(file.length),
      'accept-ranges': 'bytes',
      etag,
      'cache-control': 'public, max-age=60',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'content-disposition': `inline; filename="an_o _1_.png"; filename*=UTF-8''a%C3%B1o%20%221%22.png`,
    });
  });

  test('what every answer says of itself, bytes or none: no frame, no referrer, HTTPS, and not who made it', async () => {
    for (const answer of [
      await get(open),
      await get(open, { Range: 'bytes=0-9' }),
      await get(open, { 'If-None-Match': etag }),
      await get(open, {}, 'HEAD'),
      await get(secret),
      await get(open, { Range: 'bytes=9999999-' }),
    ]) {
      const { status, headers } = answer;
      expect([status, headers.get('X-Content-Type-Options')]).toEqual([status, 'nosniff']);
      expect(headers.get('Content-Security-Policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('X-Frame-Options')).toBe('DENY');
      expect(headers.get('Referrer-Policy')).toBe('no-referrer');
      expect(headers.get('Strict-Transport-Security')).toContain('max-age=');
      expect([headers.get('Server'), headers.get('X-Powered-By')]).toEqual([null, null]);
      expect(headers.get('Vary')).toContain('Origin');
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const refused = await get(open, bearer(ana), method);
      expect([method, refused.status]).toEqual([method, 405]);
      expect(refused.headers.get('Allow')).toContain('GET');
    }
  });

  test.each([
    ['../../x.png', 'x.png'],
    ['a\r\nSet-Cookie: x=1\r\n.png', 'aSet-Cookie: x=1.png'],
    [`"';\\%22.png`, '%22.png'],
    ['漢字.png', '漢字.png'],
    ['gnp.\u202eexe.png', 'gnp.exe.png'],
    ['a\0b.png', 'ab.png'],
    ['..', 'file'],
  ])('the name %p is one harmless header', async (filename, clean) => {
    const id = await tusClient(media, ana).upload(png(), { filename });
    const { headers } = await get(id, {}, 'GET', '?download=1');
    const lines = headers.get('Content-Disposition') ?? '';
    expect(lines).toMatch(/^attachment; filename="[\x20-\x7e]*"; filename\*=UTF-8''[\w.!~%-]+$/);
    expect(decodeURIComponent(/filename\*=UTF-8''(.*)$/.exec(lines)?.[1] ?? '')).toBe(clean);
    expect(headers.get('Set-Cookie')).toBeNull();
  });

  test('?download=1 is an attachment; anything else is 422', async () => {
    expect((await get(open, {}, 'GET', '?download=1')).headers.get('Content-Disposition')).toStartWith(
      'attachment; ',
    );
    expect((await get(open, {}, 'GET', '?download=yes')).status).toBe(422);
  });

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=-500', file.length - 500, file.length],
    ['bytes=500-', 500, file.length],
    ['bytes=100-199', 100, 200],
  ])('206 for %s', async (range, from, to) => {
    const { status, headers, bytes } = await get(open, { Range: range });
    expect(status).toBe(206);
    expect(headers.get('Content-Range')).toBe(`bytes ${from}-${to - 1}/${file.length}`);
    expect(headers.get('Content-Length')).toBe(String(to - from));
    expect(headers.get('ETag')).toBe(etag);
    expect(sha256(bytes)).toBe(sha256(file.subarray(from, to)));
  });

  test('416 beyond the end', async () => {
    const { status, headers } = await get(open, { Range: `bytes=${file.length}-` });
    expect(status).toBe(416);
    expect(headers.get('Content-Range')).toBe(`bytes */${file.length}`);
  });

  test.each(['bytes=9-5', 'abc', 'bytes=0-1,5-6', `bytes=${'0-9,'.repeat(1000)}0-1`])(
    '200 with all of it for the range %p',
    async (range) => {
      const { status, headers, bytes } = await get(open, { Range: range });
      expect(status).toBe(200);
      expect(headers.get('Content-Range')).toBeNull();
      expect(bytes.length).toBe(file.length);
    },
  );

  test('If-Range: the range while the tag is right, else all of it', async () => {
    expect((await get(open, { Range: 'bytes=0-9', 'If-Range': etag })).status).toBe(206);
    for (const stale of ['"stale"', `W/${etag}`, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
      const { status, bytes } = await get(open, { Range: 'bytes=0-9', 'If-Range': stale });
      expect(status).toBe(200);
      expect(sha256(bytes)).toBe(sha256(file));
    }
  });

  test('304 for If-None-Match, before any range', async () => {
    for (const tag of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
      const { status, bytes } = await get(open, { 'If-None-Match': tag, Range: 'bytes=0-9' });
      expect([status, bytes.length]).toEqual([304, 0]);
    }
    expect((await get(open, { 'If-None-Match': '"other"' })).status).toBe(200);
  });

  test('private: its owner and moderators, 404 to all others; kept by no cache', async () => {
    expect((await get(secret)).status).toBe(404);
    expect((await get(secret, bearer(await media.user()))).status).toBe(404);
    expect((await get(secret, bearer(await media.user('MODERATOR')))).status).toBe(200);
    const { status, headers } = await get(secret, bearer(ana));
    expect([status, headers.get('Cache-Control')]).toEqual([200, 'private, no-store']);
    expect((await get(secret, { ...bearer(await media.user()), Range: 'bytes=0-0' })).status).toBe(404);
  });

  test('401 for a bad token, 404 for what is not there', async () => {
    expect((await get(open, { Authorization: 'Bearer a.b.c' })).status).toBe(401);
    expect((await get(Bun.randomUUIDv7())).status).toBe(404);
    for (const id of ['..%2f..%2fetc%2fpasswd', '%00', 'x'.repeat(4000)])
      expect((await get(id)).status).toBe(404);
  });
});

describe('HEAD /media/{id}/content', () => {
  test('the headers of GET, no body; a range is ignored', async () => {
    const whole = await get(open);
    for (const extra of [{}, { Range: 'bytes=0-9' }] as Record<string, string>[]) {
      const { status, headers, bytes } = await get(open, extra, 'HEAD');
      expect([status, bytes.length]).toEqual([200, 0]);
      for (const name of ['Content-Type', 'Content-Length', 'Accept-Ranges', 'ETag', 'Cache-Control']) {
        expect(headers.get(name)).toBe(whole.headers.get(name));
      }
    }
    expect((await get(secret, {}, 'HEAD')).status).toBe(404);
  });
});
