import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png, sha256 } from '../testing/fixtures.ts';
import { bearer, type OverSocket, overSocket } from '../testing/over-socket.ts';
import { hideIn, redacted, redaction } from '../testing/redacted.ts';
import { tusClient } from '../testing/tus.ts';

const file = png(2_000_000);
// Beside each other, over the border of parts that a file is read in, and at the very end.
const places = [
  redaction(100, 50, 'no place'),
  redaction(150, 1),
  redaction(65_530, 20, 'over the border here'),
  redaction(file.length - 4, 4, 'end'),
];
const shown = redacted(file, places);

let media: TestApp;
let socket: OverSocket;
let ana: TestUser;
let ben: TestUser;
let moderator: TestUser;
let id: string;
beforeAll(async () => {
  media = await createTestApp();
  socket = overSocket(media);
  [ana, ben, moderator] = await Promise.all([media.user(), media.user(), media.user('MODERATOR')]);
  id = await tusClient(media, ana).upload(file);
  await hideIn(media, id, file, places);
});
afterAll(async () => {
  await socket?.stop();
  await media?.close();
});

const content = (as?: TestUser, headers: Record<string, string> = {}) =>
  socket.get(`/media/${id}/content`, { ...(as === undefined ? {} : bearer(as)), ...headers });

describe('a media with places that are for its owner alone', () => {
  test('its owner gets the original, and no cache keeps it', async () => {
    const { bytes, headers } = await content(ana);
    expect(sha256(bytes)).toBe(sha256(file));
    expect(headers.get('ETag')).toBe(`"${sha256(file)}"`);
    expect(headers.get('Cache-Control')).toBe('private, no-store');
  });

  test('nobody, others and moderators get as many bytes, written over, under their own tag', async () => {
    for (const as of [undefined, ben, moderator]) {
      const { bytes, headers } = await content(as);
      expect(bytes.length).toBe(file.length);
      expect(sha256(bytes)).toBe(sha256(shown));
      expect(headers.get('ETag')).toBe(`"${sha256(shown)}"`);
      expect(headers.get('Cache-Control')).toBe('public, max-age=60');
      expect(headers.get('Vary')).toContain('Authorization');
    }
  });

  test.each([
    ['before', 0, 99],
    ['up to the first byte', 50, 100],
    ['within', 110, 120],
    ['the end of one and all of the next', 149, 150],
    ['after', 151, 300],
    ['between', 70_000, 80_000],
    ['over the border of parts', 60_000, 70_000],
    ['the last byte', file.length - 1, file.length - 1],
    ['everything', 0, file.length - 1],
  ])('a range %s is of what is shown', async (_, start, end) => {
    const { status, bytes, headers } = await content(ben, { Range: `bytes=${start}-${end}` });
    expect(status).toBe(206);
    expect(headers.get('Content-Range')).toBe(`bytes ${start}-${end}/${file.length}`);
    // Bun tells no length of a stream: https://github.com/oven-sh/bun/issues/10507
    const small = end - start < 256 * 1024;
    expect(headers.get('Content-Length')).toBe(small ? String(end - start + 1) : null);
    expect(sha256(bytes)).toBe(sha256(shown.subarray(start, end + 1)));
    const own = await content(ana, { Range: `bytes=${start}-${end}` });
    expect(sha256(own.bytes)).toBe(sha256(file.subarray(start, end + 1)));
  });

  test('the tag of the original is none for others, in no condition', async () => {
    const [own, others] = [`"${sha256(file)}"`, `"${sha256(shown)}"`];
    expect((await content(ben, { 'If-None-Match': own })).status).toBe(200);
    expect((await content(ben, { 'If-None-Match': others })).status).toBe(304);
    expect((await content(ana, { 'If-None-Match': others })).status).toBe(200);
    expect((await content(ana, { 'If-None-Match': own })).status).toBe(304);
    const stale = await content(ben, { Range: 'bytes=0-9', 'If-Range': own });
    expect([stale.status, sha256(stale.bytes)]).toEqual([200, sha256(shown)]);
    expect((await content(ben, { Range: 'bytes=0-9', 'If-Range': others })).status).toBe(206);
  });

  test('the media tells each caller the digest of what that caller gets', async () => {
    const tags = new Set<string | null>();
    for (const [as, bytes] of [
      [ana, file],
      [ben, shown],
      [moderator, shown],
    ] as const) {
      const one = await media.call('GET', `/media/${id}`, { as });
      expect(one.body.sha256).toBe(sha256(bytes));
      const list = await media.call('GET', `/media?owner=${ana.id}`, { as });
      expect(list.body.items[0].sha256).toBe(sha256(bytes));
      tags.add(one.headers.get('ETag'));
    }
    expect(tags.size).toBe(2);
  });

  test('a signed URL of its owner shows what others get', async () => {
    const { body } = await media.call('POST', `/media/${id}/sign`, { as: ana });
    const { bytes } = await socket.get(new URL(body.url).pathname);
    expect(sha256(bytes)).toBe(sha256(shown));
  });

  test('all get the original where the owner has said so', async () => {
    const kept = await tusClient(media, ana).upload(file);
    await hideIn(media, kept, file, places, true);
    const { bytes, headers } = await socket.get(`/media/${kept}/content`);
    expect(sha256(bytes)).toBe(sha256(file));
    expect(headers.get('Vary') ?? '').not.toContain('Authorization');
    expect((await media.call('GET', `/media/${kept}`)).body.sha256).toBe(sha256(file));
  });
});
