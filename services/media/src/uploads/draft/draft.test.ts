import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { createTestApp, type TestApp } from '../../test-app.ts';
import { pattern, png, sha256 } from '../../testing/fixtures.ts';
import { tusClient } from '../../testing/tus.ts';

/* draft-ietf-httpbis-resumable-upload-12, interop version 8 */

type Headers = Record<string, string>;

let media: TestApp;
let ana: TestUser;
beforeAll(async () => {
  media = await createTestApp({ MEDIA_MAX_SIZE: '100000' });
  ana = await media.user();
});
afterAll(() => media.close());

const file = png(3000);
const draft = { 'Upload-Draft-Interop-Version': '8' };
const [open, last] = [{ 'Upload-Complete': '?0' }, { 'Upload-Complete': '?1' }];
const lengthOf = (body: Uint8Array) => ({ 'Content-Length': String(body.length) });

const create = (headers: Headers, body: Uint8Array = new Uint8Array(), as = ana) =>
  media.call('POST', '/media/uploads', { as, headers: { ...draft, ...headers }, body });
const start = async (headers: Headers = {}, body?: Uint8Array) =>
  (await create({ ...open, ...headers }, body)).headers.get('Location') ?? '';
const head = (path: string, as = ana) => media.call('HEAD', path, { as, headers: draft });
const append = (
  path: string,
  offset: number | string,
  headers: Headers,
  body: Uint8Array = new Uint8Array(),
  as = ana,
) =>
  media.call('PATCH', path, {
    as,
    body,
    headers: {
      ...draft,
      'Content-Type': 'application/partial-upload',
      'Upload-Offset': String(offset),
      ...headers,
    },
  });
const typeOf = (name: string) => `https://iana.org/assignments/http-problem-types#${name}`;

describe('OPTIONS', () => {
  test('names the type of PATCH, and the limits', async () => {
    const { headers } = await media.call('OPTIONS', '/media/uploads');
    expect(headers.get('Accept-Patch')).toContain('application/partial-upload');
    expect(headers.get('Upload-Limit')).toBe('max-size=100000, min-size=1');
  });
});

describe('creation', () => {
  test('with all bytes is answered with the media, named by Content-Disposition', async () => {
    const named = { 'Content-Disposition': `inline; filename="x.png"; filename*=UTF-8''caf%C3%A9.png` };
    const made = await create({ ...last, ...named, ...lengthOf(file), 'Content-Type': 'image/png' }, file);
    expect(made.status).toBe(201);
    expect(made.headers.get('Upload-Complete')).toBe('?1');
    expect(made.headers.get('Tus-Resumable')).toBeNull();
    expect(made.headers.get('Location')).toBe(`/media/${made.body.id}`);
    expect(made.body).toMatchObject({ filename: 'café.png', sha256: sha256(file), size: file.length });
  });

  test('with none or some of them is answered with Location and limits', async () => {
    const made = await create(open);
    expect(made.status).toBe(201);
    expect(made.headers.get('Location')).toMatch(/^\/media\/uploads\/[0-9a-f-]{36}$/);
    expect(made.headers.get('Upload-Complete')).toBe('?0');
    expect(made.headers.get('Upload-Limit')).toMatch(/^max-size=100000, min-size=1, max-age=\d+$/);
    const some = await create(open, file.subarray(0, 100));
    expect(some.headers.get('Upload-Offset')).toBe('100');
  });

  test('413 with the limits for what is too large, told or sent; nothing is left', async () => {
    const before = await media.files();
    const told = await create({ ...open, 'Upload-Length': '100001' });
    expect([told.status, told.headers.get('Upload-Limit')]).toEqual([413, 'max-size=100000, min-size=1']);
    const sent = await create(open, pattern(100_001));
    expect([sent.status, sent.headers.get('Upload-Limit')]).toEqual([413, 'max-size=100000, min-size=1']);
    expect(await media.files()).toEqual(before);
  });

  test('400 for lengths that contradict one another, 415 for no bytes and for no media', async () => {
    const body = pattern(10);
    const other = { ...lengthOf(body), 'Upload-Length': '11' };
    const made = await create({ ...last, ...other }, body);
    expect([made.status, made.body.type]).toEqual([400, typeOf('inconsistent-upload-length')]);
    for (const bytes of [new Uint8Array(), body]) {
      const refused = await create({ ...last, ...lengthOf(bytes) }, bytes);
      expect([refused.status, refused.headers.get('Upload-Complete')]).toEqual([415, '?1']);
    }
  });

  test('a header that is no Boolean is none; without it and a version of tus it is 412', async () => {
    for (const value of ['1', 'true', '?2', '"?1"']) {
      const headers = { 'Upload-Complete': value };
      const { status } = await media.call('POST', '/media/uploads', { as: ana, headers });
      expect(status).toBe(412);
      expect((await create(headers)).status).toBe(400);
    }
  });

  test('401 without a token', async () => {
    const { status } = await media.call('POST', '/media/uploads', { headers: { ...draft, ...open } });
    expect(status).toBe(401);
  });
});

describe('offset, append, cancellation', () => {
  test('an upload grows part by part, and is complete when its client says so', async () => {
    const path = await start({}, file.subarray(0, 500));
    const first = await append(path, 500, open, file.subarray(500, 2000));
    expect([first.status, first.headers.get('Upload-Complete')]).toEqual([204, '?0']);
    const now = await head(path);
    expect([now.status, now.headers.get('Upload-Offset')]).toEqual([204, '2000']);
    expect(now.headers.get('Upload-Complete')).toBe('?0');
    expect(now.headers.get('Upload-Length')).toBeNull();
    expect(now.headers.get('Upload-Limit')).toContain('max-age=');
    expect(now.headers.get('Cache-Control')).toBe('no-store');
    const end = await append(path, 2000, last, file.subarray(2000));
    expect([end.status, end.headers.get('Upload-Complete')]).toEqual([201, '?1']);
    expect(end.body.sha256).toBe(sha256(file));
    const after = await head(path);
    expect(after.headers.get('Upload-Complete')).toBe('?1');
    expect(after.headers.get('Upload-Length')).toBe(String(file.length));
    expect(after.headers.get('Media-Id')).toBe(end.body.id);
  });

  test('all bytes of a known length do not complete it, an empty request that says so does', async () => {
    const path = await start({ 'Upload-Length': String(file.length) }, file);
    expect((await head(path)).headers.get('Upload-Complete')).toBe('?0');
    const end = await append(path, file.length, { ...last, 'Content-Length': '0' });
    expect([end.status, end.body.sha256]).toEqual([201, sha256(file)]);
    const again = await append(path, file.length, { ...last, 'Content-Length': '0' });
    expect([again.status, again.body.type]).toEqual([400, typeOf('completed-upload')]);
    const more = await append(path, file.length, { ...last, 'Content-Length': '1' }, pattern(1));
    expect(more.body.type).toBe(typeOf('inconsistent-upload-length'));
  });

  test('409 at another offset, with the right one; nothing moves', async () => {
    const path = await start({}, pattern(10));
    const { status, body, headers } = await append(path, 4, open, pattern(6));
    expect([status, body.type]).toEqual([409, typeOf('mismatching-upload-offset')]);
    expect(body).toMatchObject({ 'expected-offset': 10, 'provided-offset': 4 });
    expect(headers.get('Upload-Offset')).toBe('10');
    expect((await head(path)).headers.get('Upload-Offset')).toBe('10');
  });

  test('400 without offset or completeness, 415 for another type', async () => {
    const path = await start();
    expect((await append(path, '-1', open, pattern(1))).status).toBe(400);
    expect((await append(path, 0, {}, pattern(1))).status).toBe(400);
    expect((await append(path, 0, { ...open, 'Content-Type': 'image/png' }, pattern(1))).status).toBe(415);
    expect((await head(path)).headers.get('Upload-Offset')).toBe('0');
  });

  test('what exceeds the length makes the upload invalid; a length that contradicts it does not', async () => {
    const path = await start({ 'Upload-Length': '10' });
    expect((await append(path, 0, { ...open, 'Upload-Length': '11' }, pattern(1))).status).toBe(400);
    expect((await append(path, 0, { ...last, ...lengthOf(pattern(9)) }, pattern(9))).status).toBe(400);
    expect((await head(path)).status).toBe(204);
    const over = await append(path, 0, open, pattern(11));
    expect([over.status, over.body.code]).toEqual([400, 'inconsistent_upload_length']);
    expect((await head(path)).status).toBe(404);
  });

  test('a body that ends the file before its length does not complete it', async () => {
    const path = await start({ 'Upload-Length': String(file.length) });
    expect((await append(path, 0, last, file.subarray(0, 100))).status).toBe(400);
    const now = await head(path);
    expect([now.headers.get('Upload-Offset'), now.headers.get('Upload-Complete')]).toEqual(['100', '?0']);
    expect((await append(path, 100, last, file.subarray(100))).status).toBe(201);
  });

  test('DELETE is 204, and 404 from then on', async () => {
    const path = await start({}, pattern(10));
    expect((await media.call('DELETE', path, { as: ana, headers: draft })).status).toBe(204);
    expect((await head(path)).status).toBe(404);
  });

  test('404 to everybody else, and nothing moves', async () => {
    const path = await start({}, pattern(10));
    const ben = await media.user();
    expect((await head(path, ben)).status).toBe(404);
    expect((await append(path, 10, open, pattern(1), ben)).status).toBe(404);
    expect((await media.call('DELETE', path, { as: ben, headers: draft })).status).toBe(404);
    expect((await head(path)).headers.get('Upload-Offset')).toBe('10');
  });
});

describe('beside tus', () => {
  test('an upload of tus goes on by the draft, and the other way round', async () => {
    const tus = tusClient(media, ana);
    const path = await tus.start(file.length);
    await tus.patch(path, 0, file.subarray(0, 100));
    const end = await append(path, 100, last, file.subarray(100));
    expect(end.body.sha256).toBe(sha256(file));
    const other = await start({}, file.subarray(0, 100));
    expect((await tus.patch(other, 100, file.subarray(100))).status).toBe(204);
    expect((await append(other, file.length, last)).body.sha256).toBe(sha256(file));
  });

  test('403 for parts, which are tus’s own', async () => {
    const part = await tusClient(media, ana).part(pattern(5));
    expect((await append(part, 5, open)).status).toBe(403);
  });
});
