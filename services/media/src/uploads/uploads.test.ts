import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { createTestApp, type TestApp } from '../test-app.ts';
import { pattern, png, sha256 } from '../testing/fixtures.ts';
import { metadata, type TusClient, tusClient } from '../testing/tus.ts';

let media: TestApp;
let ana: TestUser;
let ben: TestUser;
let tus: TusClient;
beforeAll(async () => {
  media = await createTestApp({ MEDIA_MAX_SIZE: '100000' });
  [ana, ben] = await Promise.all([media.user(), media.user()]);
  tus = tusClient(media, ana);
});
afterAll(() => media.close());

const offsetOf = async (path: string) => Number((await tus.head(path)).headers.get('Upload-Offset'));

describe('OPTIONS /media/uploads', () => {
  test('204 with what is supported, without a token', async () => {
    const { status, headers } = await media.call('OPTIONS', '/media/uploads');
    expect(status).toBe(204);
    expect(headers.get('Tus-Version')).toBe('1.0.0');
    expect(headers.get('Tus-Resumable')).toBe('1.0.0');
    expect(headers.get('Tus-Extension')).toBe(
      'creation,creation-with-upload,creation-defer-length,termination,checksum,concatenation,expiration',
    );
    expect(headers.get('Tus-Checksum-Algorithm')).toBe('sha1,sha256');
    expect(headers.get('Tus-Max-Size')).toBe('100000');
  });

  test('a preflight is answered by CORS', async () => {
    const { status, headers } = await media.call('OPTIONS', '/media/uploads', {
      headers: { Origin: 'http://localhost:8080', 'Access-Control-Request-Method': 'PATCH' },
    });
    expect(status).toBe(204);
    expect(headers.get('Access-Control-Allow-Origin')).toBe('http://localhost:8080');
    expect(headers.get('Tus-Version')).toBeNull();
  });

  test('a page of an allowed origin may read the discovery, another may not', async () => {
    const discover = (Origin: string) => media.call('OPTIONS', '/media/uploads', { headers: { Origin } });
    const { status, headers } = await discover('http://localhost:8080');
    expect(status).toBe(204);
    expect(headers.get('Tus-Version')).toBe('1.0.0');
    expect(headers.get('Access-Control-Allow-Origin')).toBe('http://localhost:8080');
    expect(headers.get('Access-Control-Expose-Headers')?.split(',')).toContain('Tus-Extension');
    expect(headers.get('Vary')).toContain('Origin');
    const other = await discover('http://evil.example');
    expect(other.headers.get('Tus-Version')).toBe('1.0.0');
    expect(other.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });
});

describe('POST /media/uploads', () => {
  test('201 with Location; the file becomes a media by its last PATCH', async () => {
    const file = png(5000);
    const values = {
      filename: 'garden.png',
      title: 'My garden',
      tags: 'spring, green,spring',
      filetype: 'text/html',
    };
    const created = await tus.create(file.length, { 'Upload-Metadata': metadata(values) });
    expect(created.status).toBe(201);
    expect(created.headers.get('Tus-Resumable')).toBe('1.0.0');
    expect(created.headers.get('Upload-Offset')).toBe('0');
    const path = created.headers.get('Location') ?? '';
    expect(path).toMatch(/^\/media\/uploads\/[0-9a-f-]{36}$/);

    const first = await tus.patch(path, 0, file.subarray(0, 1000));
    expect(first.status).toBe(204);
    expect(first.headers.get('Upload-Offset')).toBe('1000');
    expect(first.headers.get('Media-Id')).toBeNull();
    const last = await tus.patch(path, 1000, file.subarray(1000));
    expect(last.status).toBe(204);
    expect(last.headers.get('Upload-Offset')).toBe(String(file.length));
    const id = last.headers.get('Media-Id');

    const { body } = await media.call('GET', `/media/${id}`, { as: ana });
    expect(body).toMatchObject({
      id,
      ownerId: ana.id,
      ownerUsername: ana.username,
      kind: 'image',
      width: 1,
      height: 1,
      keepMetadata: false,
      mimeType: 'image/png',
      filename: 'garden.png',
      title: 'My garden',
      description: '',
      tags: ['spring', 'green'],
      visibility: 'public',
      size: file.length,
      sha256: sha256(file),
      status: 'ready',
      likes: 0,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      links: expect.objectContaining({ self: `/media/${id}`, content: `/media/${id}/content` }),
    });
    const head = await tus.head(path);
    expect(head.headers.get('Media-Id')).toBe(id);
  });

  test('creation-with-upload: the first bytes, or all of them', async () => {
    const file = png(100);
    const octets = { 'Content-Type': 'application/offset+octet-stream' };
    const some = await tus.create(file.length, octets, file.subarray(0, 10));
    expect(some.status).toBe(201);
    expect(some.headers.get('Upload-Offset')).toBe('10');
    const rest = await tus.patch(some.headers.get('Location') ?? '', 10, file.subarray(10));
    expect(rest.headers.get('Media-Id')).toBeString();
    const all = await tus.create(file.length, octets, file);
    expect(all.status).toBe(201);
    expect(all.headers.get('Media-Id')).toBeString();
  });

  test.each(['-1', '1e3', 'abc', '1.5', '0x10', ' '])('400 for the length %p', async (length) => {
    const { status, body } = await tus.create(length);
    expect([status, body.code]).toEqual([400, 'malformed_request']);
  });

  test('400 without a length, and with one that is told and deferred', async () => {
    const headers = { 'Tus-Resumable': '1.0.0' };
    expect((await media.call('POST', '/media/uploads', { as: ana, headers })).status).toBe(400);
    expect((await tus.create(10, { 'Upload-Defer-Length': '1' })).status).toBe(400);
  });

  test.each(['100001', '99999999999999999999'])('413 for the length %p', async (length) => {
    const { status, body } = await tus.create(length);
    expect([status, body.code]).toEqual([413, 'upload_too_large']);
  });

  test('413 for a body longer than the length', async () => {
    const octets = { 'Content-Type': 'application/offset+octet-stream', 'Content-Length': '20' };
    expect((await tus.create(10, octets, new Uint8Array(20))).status).toBe(413);
  });

  test('201 for no bytes: complete at once, and no media', async () => {
    const { status, headers } = await tus.create(0);
    expect([status, headers.get('Upload-Offset'), headers.get('Media-Id')]).toEqual([201, '0', null]);
    const head = await tus.head(headers.get('Location') ?? '');
    expect(head.headers.get('Upload-Offset')).toBe('0');
    expect(head.headers.get('Upload-Length')).toBe('0');
    expect(head.headers.get('Media-Id')).toBeNull();
  });

  test('415 for a body of another type', async () => {
    const typed = { 'Content-Type': 'application/json', 'Content-Length': '2' };
    expect((await tus.create(10, typed, new Uint8Array(2))).status).toBe(415);
  });

  test('401 without a token, 412 without a version or with another', async () => {
    const headers = { 'Tus-Resumable': '1.0.0', 'Upload-Length': '10' };
    expect((await media.call('POST', '/media/uploads', { headers })).status).toBe(401);
    const without = await media.call('POST', '/media/uploads', { as: ana });
    expect(without.status).toBe(412);
    expect(without.headers.get('Tus-Version')).toBe('1.0.0');
    expect(without.headers.get('Tus-Resumable')).toBe('1.0.0');
    expect((await tus.create(10, { 'Tus-Resumable': '0.2.2' })).status).toBe(412);
  });

  test('429 beyond the limit, per user', async () => {
    const strict = await createTestApp({ UPLOADS_PER_MINUTE: '2', RATE_LIMIT_SCALE: '1' });
    const [busy, calm] = await Promise.all([strict.user(), strict.user()]);
    await tusClient(strict, busy).create(10);
    await tusClient(strict, busy).create(10);
    const { status, headers } = await tusClient(strict, busy).create(10);
    expect(status).toBe(429);
    expect(headers.get('Retry-After')).toBeString();
    expect((await tusClient(strict, calm).create(10)).status).toBe(201);
    await strict.close();
  });
});

describe('Upload-Metadata', () => {
  const create = (header: string) => tus.create(10, { 'Upload-Metadata': header });

  test('HEAD gives it back as it came, keys of others included', async () => {
    const header = `${metadata({ filename: 'a.png', relativePath: 'x/a.png' })},flag,caption `;
    const { headers } = await create(header);
    const head = await tus.head(headers.get('Location') ?? '');
    expect(head.headers.get('Upload-Metadata')).toBe(header.trim());
  });

  test.each([
    ['bad Base64', 'filename !!!'],
    ['Base64 of a wrong length', 'filename YQ'],
    ['a duplicate key', 'filename YQ==,filename Yg=='],
    ['three parts', 'filename YQ== YQ=='],
    ['no UTF-8', 'filename /w=='],
    ['an empty pair', 'filename YQ==,,title YQ=='],
  ])('400 for %s', async (_, header) => {
    const { status, body } = await create(header);
    expect([status, body.code]).toEqual([400, 'malformed_request']);
  });

  test.each([
    ['visibility', 'hidden'],
    ['title', ''],
    ['title', 'x'.repeat(201)],
    ['title', 'a\u0000b'],
    ['description', 'x'.repeat(5001)],
    ['tags', Array.from({ length: 21 }, (_, n) => `t${n}`).join()],
    ['tags', 'x'.repeat(51)],
  ])('422 for the %s %p', async (key, value) => {
    const { status, body } = await create(metadata({ [key]: value }));
    expect([status, body.code]).toEqual([422, 'invalid_fields']);
    expect(body.errors[0].path).toStartWith(key);
  });

  test('__proto__ is a key like any other', async () => {
    expect((await create(metadata({ __proto__x: 'a', constructor: 'b', ['__proto__']: 'c' }))).status).toBe(
      201,
    );
  });

  test.each([
    ['../../x', 'x'],
    ['..\\..\\evil.png', 'evil.png'],
    ['a\r\nSet-Cookie: x=1', 'aSet-Cookie: x=1'],
    ['"quoted".png', '"quoted".png'],
    ['漢字.png', '漢字.png'],
    ['gnp.\u202Eexe', 'gnp.exe'],
    ['nul\u0000.png', 'nul.png'],
    ['..', 'file'],
    ['', 'file'],
    [`${'x'.repeat(5000)}.png`, `${'x'.repeat(196)}.png`],
  ])('the filename %p is cleaned', async (given, cleaned) => {
    const id = await tus.upload(png(), { filename: given });
    const { body } = await media.call('GET', `/media/${id}`, { as: ana });
    expect(body.filename).toBe(cleaned);
    const content = await media.call('GET', `/media/${id}/content`);
    expect(content.status).toBe(200);
    const disposition = content.headers.get('Content-Disposition') ?? '';
    const encoded = /filename\*=UTF-8''(\S+)$/.exec(disposition)?.[1] ?? '';
    expect(decodeURIComponent(encoded)).toBe(cleaned);
  });
});

describe('HEAD /media/uploads/{id}', () => {
  test('200 with offset and length, for no cache', async () => {
    const path = await tus.start(500);
    await tus.patch(path, 0, pattern(200));
    const { status, headers } = await tus.head(path);
    expect(status).toBe(200);
    expect(headers.get('Upload-Offset')).toBe('200');
    expect(headers.get('Upload-Length')).toBe('500');
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(headers.get('Tus-Resumable')).toBe('1.0.0');
    expect(headers.get('Media-Id')).toBeNull();
  });

  test('405 for GET', async () => {
    const path = await tus.start(500);
    const { status, headers } = await media.call('GET', path, {
      as: ana,
      headers: { 'Tus-Resumable': '1.0.0' },
    });
    expect(status).toBe(405);
    expect(headers.get('Allow')).toContain('PATCH');
  });
});

describe('PATCH /media/uploads/{id}', () => {
  test('409 at another offset, and nothing moves', async () => {
    const path = await tus.start(500);
    await tus.patch(path, 0, pattern(100));
    for (const offset of [0, 99, 101, 500, '99999999999999999999']) {
      expect((await tus.patch(path, offset, pattern(10))).status).toBe(409);
    }
    expect(await offsetOf(path)).toBe(100);
  });

  test.each(['-1', '1e1', '', 'abc'])('400 for the offset %p', async (offset) => {
    const path = await tus.start(500);
    expect((await tus.patch(path, offset, pattern(10))).status).toBe(400);
    expect(await offsetOf(path)).toBe(0);
  });

  test('415 for another type, 412 without a version, 401 without a token', async () => {
    const path = await tus.start(500);
    expect(
      (await tus.patch(path, 0, pattern(10), { 'Content-Type': 'application/octet-stream' })).status,
    ).toBe(415);
    const headers = { 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' };
    const old = await media.call('PATCH', path, { as: ana, headers, body: pattern(10) });
    expect(old.status).toBe(412);
    expect(old.headers.get('Tus-Version')).toBe('1.0.0');
    const anonymous = await media.call('PATCH', path, {
      headers: { ...headers, 'Tus-Resumable': '1.0.0' },
      body: pattern(10),
    });
    expect(anonymous.status).toBe(401);
    expect(await offsetOf(path)).toBe(0);
  });

  test('413 for a declared body beyond the rest; what has no length is cut there', async () => {
    const file = png(1000);
    const path = await tus.start(file.length);
    const longer = new Uint8Array([...file, ...pattern(500)]);
    const declared = await tus.patch(path, 0, longer, { 'Content-Length': String(longer.length) });
    expect(declared.status).toBe(413);
    expect(await offsetOf(path)).toBe(0);
    const cut = await tus.patch(path, 0, longer);
    expect(cut.headers.get('Upload-Offset')).toBe(String(file.length));
    const { body } = await media.call('GET', `/media/${cut.headers.get('Media-Id')}`, { as: ana });
    expect(body).toMatchObject({ size: file.length, sha256: sha256(file) });
  });

  test('an empty part moves nothing; one at the end of a finished upload names the media again', async () => {
    const file = png();
    const path = await tus.start(file.length);
    expect((await tus.patch(path, 0, new Uint8Array())).headers.get('Upload-Offset')).toBe('0');
    const last = await tus.patch(path, 0, file);
    const again = await tus.patch(path, file.length, new Uint8Array());
    expect(again.status).toBe(204);
    expect(again.headers.get('Media-Id')).toBe(last.headers.get('Media-Id'));
    expect((await tus.patch(path, 0, file)).status).toBe(409);
  });

  test('the last part from many at once makes one media and one event', async () => {
    const file = png(2000);
    const path = await tus.start(file.length);
    await tus.patch(path, 0, file.subarray(0, 1000));
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => tus.patch(path, 1000, file.subarray(1000))),
    );
    for (const { status } of answers) expect([204, 409, 423]).toContain(status);
    const id = (await tus.head(path)).headers.get('Media-Id');
    const uploaded = (await media.events()).filter(({ data }) => data.sha256 === sha256(file));
    expect(uploaded).toHaveLength(1);
    expect(uploaded[0]).toMatchObject({
      type: 'media.uploaded',
      source: 'media',
      subject: `media:${id}`,
      actorId: ana.id,
      data: { mediaId: id, kind: 'image', mimeType: 'image/png', size: file.length, title: 'file' },
    });
  });

  test('415 for bytes that are no media, and nothing is left', async () => {
    const before = await media.files();
    const html = new TextEncoder().encode('<html><script>alert(1)</script></html>');
    const path = await tus.start(html.length, { 'Upload-Metadata': metadata({ filetype: 'image/png' }) });
    const { status, body } = await tus.patch(path, 0, html);
    expect([status, body.code]).toEqual([415, 'unsupported_media_type']);
    expect((await tus.head(path)).status).toBe(404);
    expect(await media.files()).toEqual(before);
  });

  test('507 on a full disk; the upload stays where it was', async () => {
    const path = await tus.start(500);
    const { rm, symlink } = await import('node:fs/promises');
    const file = join(media.folder, 'media/uploads', path.split('/').at(-1) ?? '');
    await symlink('/dev/full', file);
    const { status, body } = await tus.patch(path, 0, pattern(100));
    expect([status, body.code]).toEqual([507, 'insufficient_storage']);
    expect(await offsetOf(path)).toBe(0);
    await rm(file);
    expect((await tus.patch(path, 0, pattern(100))).status).toBe(204);
  });
});

describe('DELETE /media/uploads/{id}', () => {
  test('204, and nothing is left', async () => {
    const before = await media.files();
    const path = await tus.start(500);
    await tus.patch(path, 0, pattern(100));
    expect((await tus.delete(path)).status).toBe(204);
    expect((await tus.head(path)).status).toBe(404);
    expect((await tus.patch(path, 100, pattern(10))).status).toBe(404);
    expect((await tus.delete(path)).status).toBe(404);
    expect(await media.files()).toEqual(before);
  });

  test('a finished upload goes, its media stays', async () => {
    const path = await tus.start(png().length);
    const id = (await tus.patch(path, 0, png())).headers.get('Media-Id');
    expect((await tus.delete(path)).status).toBe(204);
    expect((await media.call('GET', `/media/${id}/content`)).status).toBe(200);
  });
});

describe('POST /media/uploads/{id} with X-HTTP-Method-Override', () => {
  const headers = { 'Tus-Resumable': '1.0.0' };
  test('is the method that is meant', async () => {
    const path = await tus.start(500);
    const patched = await media.call('POST', path, {
      as: ana,
      body: pattern(100),
      headers: {
        ...headers,
        'X-HTTP-Method-Override': 'PATCH',
        'Content-Type': 'application/offset+octet-stream',
        'Upload-Offset': '0',
      },
    });
    expect(patched.status).toBe(204);
    const head = await media.call('POST', path, {
      as: ana,
      headers: { ...headers, 'X-HTTP-Method-Override': 'HEAD' },
    });
    expect(head.headers.get('Upload-Offset')).toBe('100');
    const gone = await media.call('POST', path, {
      as: ana,
      headers: { ...headers, 'X-HTTP-Method-Override': 'DELETE' },
    });
    expect(gone.status).toBe(204);
    expect((await tus.head(path)).status).toBe(404);
  });

  test('405 for none or another', async () => {
    const path = await tus.start(500);
    expect((await media.call('POST', path, { as: ana, headers })).status).toBe(405);
    const get = { ...headers, 'X-HTTP-Method-Override': 'GET' };
    expect((await media.call('POST', path, { as: ana, headers: get })).status).toBe(405);
  });
});

describe('another’s upload, and ids that are none', () => {
  test('404 to everybody else, whatever the verb; the offset stays', async () => {
    const path = await tus.start(500);
    await tus.patch(path, 0, pattern(100));
    for (const other of [ben, await media.user('ADMIN')]) {
      const client = tusClient(media, other);
      expect((await client.head(path)).status).toBe(404);
      expect((await client.patch(path, 100, pattern(10))).status).toBe(404);
      expect((await client.delete(path)).status).toBe(404);
    }
    expect(await offsetOf(path)).toBe(100);
  });

  test.each([
    ['a climb', '..%2f..%2fetc%2fpasswd'],
    ['dots', '%2e%2e/'],
    ['a backslash', '..%5c'],
    ['NUL', '%00'],
    ['4,000 characters', 'x'.repeat(4000)],
    ['one that nobody has', Bun.randomUUIDv7()],
  ])('404 for %s', async (_, id) => {
    const path = `/media/uploads/${id}`;
    for (const call of [tus.head(path), tus.patch(path, 0, pattern(1)), tus.delete(path)]) {
      expect([404, 405]).toContain((await call).status);
    }
  });
});
