import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { createTestApp, type TestApp } from '../test-app.ts';
import { pattern, png, sha256 } from '../testing/fixtures.ts';
import { bearer, type OverSocket, overSocket } from '../testing/over-socket.ts';
import { addRendition } from '../testing/renditions.ts';
import { tusClient } from '../testing/tus.ts';

const thumbnail = pattern(5000);
const playlist = new TextEncoder().encode('#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\nsegment-1.m4s\n');
const segment = pattern(70_000);

let media: TestApp;
let socket: OverSocket;
let ana: TestUser;
let ben: TestUser;
let open: string;
let secret: string;
beforeAll(async () => {
  media = await createTestApp();
  socket = overSocket(media);
  [ana, ben] = await Promise.all([media.user(), media.user()]);
  const tus = tusClient(media, ana);
  open = await tus.upload(png());
  secret = await tus.upload(png(), { visibility: 'private' });
  for (const id of [open, secret]) {
    await addRendition(media, id, 'thumbnail-320.webp', thumbnail);
    await addRendition(media, id, 'hls/master.m3u8', playlist, 'application/vnd.apple.mpegurl');
    await addRendition(media, id, 'hls/segment-1.m4s', segment, 'video/mp4');
  }
});
afterAll(async () => {
  await socket?.stop();
  await media?.close();
});

const at = (id: string, name: string) => `/media/${id}/renditions/${name}`;

describe('GET /media/{id}/renditions', () => {
  test('200 with each, by name, in pages; its links lead to the bytes', async () => {
    const { status, body, headers } = await media.call('GET', `/media/${open}/renditions`);
    expect(status).toBe(200);
    expect(headers.get('Cache-Control')).toBe('private, no-store');
    expect(body.nextCursor).toBeNull();
    expect(body.items).toEqual([
      expect.objectContaining({ name: 'hls/master.m3u8', mimeType: 'application/vnd.apple.mpegurl' }),
      expect.objectContaining({ name: 'hls/segment-1.m4s', size: segment.length }),
      {
        name: 'thumbnail-320.webp',
        mimeType: 'image/webp',
        size: thumbnail.length,
        width: 320,
        height: 200,
        url: at(open, 'thumbnail-320.webp'),
      },
    ]);
    for (const { url, size } of body.items) expect((await socket.get(url)).bytes.length).toBe(size);
    const first = await media.call('GET', `/media/${open}/renditions?limit=2`);
    const rest = await media.call('GET', `/media/${open}/renditions?cursor=${first.body.nextCursor}`);
    expect([...first.body.items, ...rest.body.items]).toEqual(body.items);
  });

  test('404 where the media is none to the caller; 400 for bad pages', async () => {
    expect((await media.call('GET', `/media/${secret}/renditions`)).status).toBe(404);
    expect((await media.call('GET', `/media/${secret}/renditions`, { as: ben })).status).toBe(404);
    expect((await media.call('GET', `/media/${secret}/renditions`, { as: ana })).body.items).toHaveLength(3);
    expect((await media.call('GET', `/media/${Bun.randomUUIDv7()}/renditions`)).status).toBe(404);
    expect((await media.call('GET', `/media/${open}/renditions?limit=0`)).status).toBe(400);
    expect((await media.call('GET', `/media/${open}/renditions?cursor=x`)).status).toBe(400);
  });
});

describe('GET /media/{id}/renditions/{name}', () => {
  test('200 with what keeps content harmless, and the caching of the media', async () => {
    const { status, headers, bytes } = await socket.get(at(open, 'thumbnail-320.webp'));
    expect(status).toBe(200);
    expect(sha256(bytes)).toBe(sha256(thumbnail));
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'image/webp',
      'content-length': String(thumbnail.length),
      'accept-ranges': 'bytes',
      etag: `"${sha256(thumbnail)}"`,
      'cache-control': 'public, max-age=60',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'content-disposition': `inline; filename="thumbnail-320.webp"; filename*=UTF-8''thumbnail-320.webp`,
    });
    const own = await socket.get(at(secret, 'thumbnail-320.webp'), bearer(ana));
    expect(own.headers.get('Cache-Control')).toBe('private, no-store');
    const saved = await socket.get(`${at(open, 'hls/segment-1.m4s')}?download=1`);
    expect(saved.headers.get('Content-Disposition')).toStartWith('attachment; filename="segment-1.m4s"');
    expect((await socket.get(`${at(open, 'hls/segment-1.m4s')}?download=yes`)).status).toBe(422);
  });

  test('206, 416, 304 and HEAD as the content has them', async () => {
    const path = at(open, 'hls/segment-1.m4s');
    const part = await socket.get(path, { Range: 'bytes=1000-1999' });
    expect([part.status, part.headers.get('Content-Range')]).toEqual([206, 'bytes 1000-1999/70000']);
    expect(sha256(part.bytes)).toBe(sha256(segment.subarray(1000, 2000)));
    const beyond = await socket.get(path, { Range: 'bytes=70000-' });
    expect([beyond.status, beyond.headers.get('Content-Range')]).toEqual([416, 'bytes */70000']);
    expect((await socket.get(path, { 'If-None-Match': `"${sha256(segment)}"` })).status).toBe(304);
    const head = await socket.get(path, {}, 'HEAD');
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    expect(head.headers.get('Content-Length')).toBe('70000');
  });

  test('404 for a name that is none, 401 for a bad token, 404 where the media is none to the caller', async () => {
    const names = [
      'none.webp',
      'hls',
      'hls/',
      '/hls/master.m3u8',
      'hls//master.m3u8',
      'hls%2f..%2fthumbnail-320.webp',
      '..%5cx',
      'x%00.webp',
      '.webp',
      'x'.repeat(4000),
      '%ff',
    ];
    for (const name of names) {
      expect([name, (await socket.get(at(open, name))).status]).toEqual([name, 404]);
      expect([name, (await socket.get(at(open, name), {}, 'HEAD')).status]).toEqual([name, 404]);
    }
    expect((await socket.get(at('1', 'thumbnail-320.webp'))).status).toBe(404);
    const path = at(secret, 'thumbnail-320.webp');
    expect((await socket.get(path)).status).toBe(404);
    expect((await socket.get(path, bearer(ben))).status).toBe(404);
    expect((await socket.get(path, { ...bearer(ben), 'If-None-Match': '*' })).status).toBe(404);
    expect((await socket.get(path, { ...bearer(ben), Range: 'bytes=0-0' })).status).toBe(404);
    expect((await socket.get(path, { Authorization: 'Bearer a.b.c' })).status).toBe(401);
  });
});

describe('beside a signed URL', () => {
  test('a playlist and what it names by relative addresses, and the list of all', async () => {
    const { body } = await media.call('POST', `/media/${secret}/sign`, { as: ana });
    const master = new URL('renditions/hls/master.m3u8', body.url);
    const found = await socket.get(master.pathname);
    expect(sha256(found.bytes)).toBe(sha256(playlist));
    expect(found.headers.get('Cache-Control')).toBe('private, no-store');
    const line = Buffer.from(found.bytes).toString().split('\n')[2] ?? '';
    const next = await socket.get(new URL(line, master).pathname, { Range: 'bytes=0-99' });
    expect([next.status, sha256(next.bytes)]).toEqual([206, sha256(segment.subarray(0, 100))]);
    const list = await media.call('GET', new URL('renditions', body.url).pathname);
    expect(list.body.items).toHaveLength(3);
    for (const { url, size } of list.body.items) {
      expect(url).toStartWith('/media/signed/');
      expect((await socket.get(url)).bytes.length).toBe(size);
    }
    expect((await socket.get(new URL('renditions/none', body.url).pathname)).status).toBe(404);
  });

  test('one media’s token opens nothing of another', async () => {
    await addRendition(media, open, 'only-here.webp', thumbnail);
    const { body } = await media.call('POST', `/media/${secret}/sign`, { as: ana });
    expect((await socket.get(new URL('renditions/only-here.webp', body.url).pathname)).status).toBe(404);
  });
});
