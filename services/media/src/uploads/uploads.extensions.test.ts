import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq } from 'drizzle-orm';
import { uploads } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { pattern, png, sha256 } from '../testing/fixtures.ts';
import { metadata, type TusClient, tusClient } from '../testing/tus.ts';
import { setQuota, usageOf } from '../usage/usage.service.ts';
import { sweepUploads } from './expired.ts';

let media: TestApp;
let ana: TestUser;
let tus: TusClient;
beforeAll(async () => {
  media = await createTestApp({ MEDIA_MAX_SIZE: '100000' });
  ana = await media.user();
  tus = tusClient(media, ana);
});
afterAll(() => media.close());

const octets = { 'Content-Type': 'application/offset+octet-stream' };
const offsetOf = async (path: string) => (await tus.head(path)).headers.get('Upload-Offset');
const idOf = (path: string) => path.split('/').at(-1) ?? '';
const mediaOf = async (id: string | null) => (await media.call('GET', `/media/${id}`, { as: ana })).body;
const failures = async (path: string) =>
  (await media.events()).filter(({ type, data }) => type === 'upload.failed' && data.uploadId === idOf(path));

describe('creation-defer-length', () => {
  const defer = { 'Upload-Defer-Length': '1' };
  const start = async () => (await tus.post(defer)).headers.get('Location') ?? '';

  test('the length comes once, by a later PATCH; HEAD says so until then', async () => {
    const file = png(3000);
    const path = await start();
    await tus.patch(path, 0, file.subarray(0, 1000));
    const before = await tus.head(path);
    expect(before.headers.get('Upload-Defer-Length')).toBe('1');
    expect(before.headers.get('Upload-Length')).toBeNull();
    const length = { 'Upload-Length': String(file.length) };
    expect((await tus.patch(path, 1000, file.subarray(1000, 2000), length)).status).toBe(204);
    const after = await tus.head(path);
    expect(after.headers.get('Upload-Defer-Length')).toBeNull();
    expect(after.headers.get('Upload-Length')).toBe(String(file.length));
    expect((await tus.patch(path, 2000, pattern(1), { 'Upload-Length': '2500' })).status).toBe(400);
    const last = await tus.patch(path, 2000, file.subarray(2000), length);
    expect((await mediaOf(last.headers.get('Media-Id'))).sha256).toBe(sha256(file));
  });

  test('the length alone, told when all bytes are there, finishes it', async () => {
    const file = png();
    const path = await start();
    await tus.patch(path, 0, file);
    const told = await tus.patch(path, file.length, new Uint8Array(), {
      'Upload-Length': String(file.length),
    });
    expect(told.headers.get('Media-Id')).toBeString();
  });

  test.each(['0', '2', 'true', ''])('400 for the value %p', async (value) => {
    expect((await tus.post({ 'Upload-Defer-Length': value })).status).toBe(400);
  });

  test('400 for a length below the offset, 413 for one above the largest; it stays deferred', async () => {
    const path = await start();
    await tus.patch(path, 0, pattern(10));
    expect((await tus.patch(path, 10, pattern(1), { 'Upload-Length': '9' })).status).toBe(400);
    expect((await tus.patch(path, 10, pattern(1), { 'Upload-Length': '1e3' })).status).toBe(400);
    expect((await tus.patch(path, 10, pattern(1), { 'Upload-Length': '100001' })).status).toBe(413);
    const { headers } = await tus.head(path);
    expect([headers.get('Upload-Offset'), headers.get('Upload-Defer-Length')]).toEqual(['10', '1']);
  });

  test('413 beyond the largest file, declared or not; what fits is kept', async () => {
    const path = await start();
    const large = pattern(100_001);
    const declared = await tus.patch(path, 0, large, { 'Content-Length': '100001' });
    expect(declared.body.code).toBe('upload_too_large');
    expect(await offsetOf(path)).toBe('0');
    expect((await tus.patch(path, 0, large)).body.code).toBe('upload_too_large');
    expect(await offsetOf(path)).toBe('100000');
  });

  test('413 at the first byte over the quota; what was before is kept, and is free again with the upload', async () => {
    const bea = await media.user();
    const hers = tusClient(media, bea);
    await setQuota(media.deps, bea.id, 1000);
    const path = (await hers.post(defer)).headers.get('Location') ?? '';
    expect((await hers.patch(path, 0, pattern(1000))).status).toBe(204);
    expect((await usageOf(media.deps, bea.id)).reservedBytes).toBe(1000);
    const over = await hers.patch(path, 1000, pattern(1));
    expect([over.status, over.body.code]).toEqual([413, 'quota_exceeded']);
    expect((await hers.head(path)).headers.get('Upload-Offset')).toBe('1000');
    expect((await hers.create(1)).body.code).toBe('quota_exceeded');
    await hers.delete(path);
    expect((await usageOf(media.deps, bea.id)).reservedBytes).toBe(0);
  });
});

describe('checksum', () => {
  const of = (algorithm: 'sha1' | 'sha256', bytes: Uint8Array) => ({
    'Upload-Checksum': `${algorithm} ${new Bun.CryptoHasher(algorithm).update(bytes).digest('base64')}`,
  });
  const file = png(2000);
  const [head, rest] = [file.subarray(0, 900), file.subarray(900)];

  test('204 for what matches, and the whole is right', async () => {
    const path = await tus.start(file.length);
    expect((await tus.patch(path, 0, head, of('sha1', head))).status).toBe(204);
    const last = await tus.patch(path, 900, rest, of('sha256', rest));
    expect((await mediaOf(last.headers.get('Media-Id'))).sha256).toBe(sha256(file));
  });

  test('460 for what does not, and nothing moves: neither offset, nor length, nor hash', async () => {
    const path = (await tus.post({ 'Upload-Defer-Length': '1' })).headers.get('Location') ?? '';
    await tus.patch(path, 0, head);
    const length = { 'Upload-Length': String(file.length) };
    for (const algorithm of ['sha1', 'sha256'] as const) {
      const wrong = await tus.patch(path, 900, pattern(rest.length), { ...of(algorithm, rest), ...length });
      expect([wrong.status, wrong.body.code]).toEqual([460, 'checksum_mismatch']);
    }
    const now = await tus.head(path);
    expect(now.headers.get('Upload-Offset')).toBe('900');
    expect(now.headers.get('Upload-Defer-Length')).toBe('1');
    const last = await tus.patch(path, 900, rest, { ...of('sha1', rest), ...length });
    expect((await mediaOf(last.headers.get('Media-Id'))).sha256).toBe(sha256(file));
  });

  test.each([
    'md5 CY9rzUYh03PK3k6DJie09g==',
    'SHA1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=',
    'sha1',
    'sha1 !!!!',
    'sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk',
    'sha256 2jmj7l5rSw0yVb/vlWAYkK/YBwk=',
    'sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk= x',
    'toString AAAA',
  ])('400 for %p, and nothing moves', async (value) => {
    const path = await tus.start(file.length);
    expect((await tus.patch(path, 0, head, { 'Upload-Checksum': value })).status).toBe(400);
    expect(await offsetOf(path)).toBe('0');
  });

  test('a creation whose body does not match leaves nothing', async () => {
    const before = await media.files();
    const made = await tus.create(file.length, { ...octets, ...of('sha1', rest) }, head);
    expect([made.status, made.headers.get('Location')]).toEqual([460, null]);
    expect(await media.files()).toEqual(before);
    expect((await tus.create(file.length, { ...octets, ...of('sha1', head) }, head)).status).toBe(201);
  });

  test('of no bytes at the end is looked at, too', async () => {
    const path = await tus.start(file.length);
    await tus.patch(path, 0, file);
    const none = new Uint8Array();
    expect((await tus.patch(path, file.length, none, of('sha1', head))).status).toBe(460);
    expect((await tus.patch(path, file.length, none, of('sha1', none))).status).toBe(204);
  });

  test('413 for a body of no declared length that is longer than what is left; nothing of it stays', async () => {
    const path = await tus.start(10);
    expect((await tus.patch(path, 0, pattern(20), of('sha1', pattern(20)))).status).toBe(413);
    expect(await offsetOf(path)).toBe('0');
  });
});

describe('concatenation', () => {
  const file = png(3100);
  const bytes = [file.subarray(0, 1000), file.subarray(1000, 1001), file.subarray(1001)];
  const parts = () => Promise.all(bytes.map((part) => tus.part(part)));
  const join = (paths: string[], values: Record<string, string> = {}) =>
    tus.post({
      'Upload-Concat': `final;${paths.join(' ')}`,
      ...(Object.keys(values).length === 0 ? {} : { 'Upload-Metadata': metadata(values) }),
    });

  test('parts become one media, in the order of the list, with the metadata of the final upload', async () => {
    const before = (await media.files()).length;
    const paths = await parts();
    expect((await tus.head(paths[0] ?? '')).headers.get('Upload-Concat')).toBe('partial');
    expect((await tus.head(paths[0] ?? '')).headers.get('Media-Id')).toBeNull();
    const urls = paths.map((path, n) => (n === 1 ? `https://elsewhere.example${path}` : path));
    const made = await join(urls, { title: 'Whole', filename: 'whole.png' });
    expect(made.status).toBe(201);
    const whole = await mediaOf(made.headers.get('Media-Id'));
    expect(whole).toMatchObject({ title: 'Whole', size: file.length, sha256: sha256(file) });

    const head = await tus.head(made.headers.get('Location') ?? '');
    expect(head.headers.get('Upload-Concat')).toBe(`final;${urls.join(' ')}`);
    expect(head.headers.get('Upload-Length')).toBe(String(file.length));
    expect(head.headers.get('Upload-Offset')).toBe(String(file.length));
    // The parts are gone with it, and asking again gives the same.
    for (const path of paths) expect((await tus.head(path)).status).toBe(404);
    const again = await join(urls, { title: 'Whole', filename: 'whole.png' });
    expect(again.headers.get('Location')).toBe(made.headers.get('Location'));
    expect(again.headers.get('Media-Id')).toBe(made.headers.get('Media-Id'));
    expect(await media.files()).toHaveLength(before + 1);
  });

  test('what a part had reserved is the whole’s, and used in the end', async () => {
    const bea = await media.user();
    const hers = tusClient(media, bea);
    await setQuota(media.deps, bea.id, file.length);
    const paths: string[] = [];
    for (const part of bytes) paths.push(await hers.part(part));
    const { headers } = await hers.post({ 'Upload-Concat': `final;${paths.join(' ')}` });
    expect(headers.get('Media-Id')).toBeString();
    expect(await usageOf(media.deps, bea.id)).toMatchObject({ usedBytes: file.length, reservedBytes: 0 });
  });

  test('403 for a PATCH of a final upload, and it stays as it is', async () => {
    const made = await join(await parts());
    const path = made.headers.get('Location') ?? '';
    expect((await tus.patch(path, 0, pattern(1))).status).toBe(403);
    expect((await tus.patch(path, file.length, pattern(1))).status).toBe(403);
    expect(await offsetOf(path)).toBe(String(file.length));
  });

  test('400 for parts that are none, another’s, whole files, or not complete; parts stay', async () => {
    const [first = '', second = ''] = await parts();
    const open = (await tus.create(10, { 'Upload-Concat': 'partial' })).headers.get('Location') ?? '';
    const deferred = await tus.post({ 'Upload-Concat': 'partial', 'Upload-Defer-Length': '1' });
    const strangers = await tusClient(media, await media.user()).part(pattern(5));
    const whole = await tus.start(10);
    for (const bad of [
      open,
      deferred.headers.get('Location') ?? '',
      strangers,
      whole,
      `/media/uploads/${Bun.randomUUIDv7()}`,
      '/etc/passwd',
      '/media/uploads/..%2f..%2fx',
      'http://[',
      first,
    ]) {
      expect([bad, (await join([first, bad])).status]).toEqual([bad, 400]);
    }
    expect((await join([second, first])).status).toBe(415);
  });

  test.each([
    '',
    'whole',
    'final',
    'final;',
    'final; ',
    'partial;',
    'Partial',
    `final;${'/x '.repeat(1001)}`,
  ])('400 for %p', async (value) => {
    expect((await tus.create(10, { 'Upload-Concat': value })).status).toBe(400);
  });

  test('400 for a final upload with a length, a deferred one, or a body', async () => {
    const [path = ''] = await parts();
    const final = { 'Upload-Concat': `final;${path}` };
    expect((await tus.create(1000, final)).status).toBe(400);
    expect((await tus.post({ ...final, 'Upload-Defer-Length': '1' })).status).toBe(400);
    const withBody = { ...final, ...octets, 'Content-Length': '5' };
    expect((await tus.post(withBody, pattern(5))).status).toBe(400);
    expect((await tus.head(path)).status).toBe(200);
  });

  test('413 when parts are together larger than the largest file', async () => {
    const half = await Promise.all([tus.part(pattern(60_000)), tus.part(pattern(60_000))]);
    expect((await join(half)).status).toBe(413);
    for (const path of half) expect((await tus.delete(path)).status).toBe(204);
  });

  test('415 for a whole that is no media: it goes with its parts, and that is told', async () => {
    const before = await media.files();
    const paths = [await tus.part(pattern(10)), await tus.part(pattern(20))];
    expect((await join(paths, { filename: 'noise.png' })).status).toBe(415);
    for (const path of paths) expect((await tus.head(path)).status).toBe(404);
    expect(await media.files()).toEqual(before);
    const told = (await media.events()).filter(({ data }) => data.filename === 'noise.png');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ type: 'upload.failed', actorId: null, data: { ownerId: ana.id } });
    expect(told[0].data.reason).toBe('unsupported_media_type');
  });

  test('five at once make one media', async () => {
    const paths = await parts();
    const answers = await Promise.all(Array.from({ length: 5 }, () => join(paths, { title: 'Five' })));
    const made = answers.filter(({ status }) => status === 201);
    expect(made.length).toBeGreaterThan(0);
    const told = (await media.events()).filter(
      ({ type, data }) => type === 'media.uploaded' && data.title === 'Five',
    );
    expect(told).toHaveLength(1);
    for (const { headers } of made) expect(headers.get('Media-Id')).toBe(told[0].data.mediaId);
  });

  test('a final upload whose process died before it was joined is finished by a HEAD, or fails for a part that is gone', async () => {
    const { insertFinal } = await import('./finals.ts');
    const begin = async (paths: string[]) => {
      const row = {
        id: Bun.randomUUIDv7(),
        ownerId: ana.id,
        ownerUsername: ana.username,
        filename: 'f',
        title: 'f',
      };
      const blobKey = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex');
      const { id } = await insertFinal(media.deps, {
        ...row,
        blobKey,
        concat: 'final',
        parts: paths.map(idOf),
      });
      return `/media/uploads/${id}`;
    };
    const whole = await tus.head(await begin(await parts()));
    expect((await mediaOf(whole.headers.get('Media-Id'))).sha256).toBe(sha256(file));
    const paths = await parts();
    const torn = await begin(paths);
    await tus.delete(paths[1] ?? '');
    expect((await tus.head(torn)).status).toBe(400);
    for (const path of [torn, ...paths]) expect((await tus.head(path)).status).toBe(404);
  });
});

describe('expiration', () => {
  const age = (path: string) =>
    media.database.db
      .update(uploads)
      .set({ expiresAt: new Date(Date.now() - 1) })
      .where(eq(uploads.id, idOf(path)));
  const expires = (headers: Headers) => Date.parse(headers.get('Upload-Expires') ?? '');

  test('Upload-Expires is in every answer while it can expire, and slides', async () => {
    const file = png(500);
    const made = await tus.create(file.length);
    const path = made.headers.get('Location') ?? '';
    expect(made.headers.get('Upload-Expires')).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    const soon = new Date(Date.now() + 60_000);
    await media.database.db
      .update(uploads)
      .set({ expiresAt: soon })
      .where(eq(uploads.id, idOf(path)));
    const first = await tus.patch(path, 0, file.subarray(0, 10));
    expect(expires(first.headers)).toBeGreaterThan(soon.getTime() + 3_600_000);
    expect(expires((await tus.head(path)).headers)).toBe(expires(first.headers));
    const last = await tus.patch(path, 10, file.subarray(10));
    expect(last.headers.get('Upload-Expires')).toBeNull();
    expect((await tus.head(path)).headers.get('Upload-Expires')).toBeNull();
  });

  test('410 once it has expired, 404 once it is swept; bytes and room are free, and its owner hears of it', async () => {
    const bea = await media.user();
    const hers = tusClient(media, bea);
    const before = await media.files();
    const path = await hers.start(500, { 'Upload-Metadata': metadata({ filename: 'late.png' }) });
    await hers.patch(path, 0, pattern(100));
    await age(path);
    for (const call of [hers.head(path), hers.patch(path, 100, pattern(1)), hers.delete(path)]) {
      expect((await call).status).toBe(410);
    }
    await sweepUploads(media.deps);
    expect((await hers.head(path)).status).toBe(404);
    expect(await media.files()).toEqual(before);
    expect((await usageOf(media.deps, bea.id)).reservedBytes).toBe(0);
    const told = await failures(path);
    expect(told).toHaveLength(1);
    expect(told[0].data).toEqual({
      uploadId: idOf(path),
      ownerId: bea.id,
      filename: 'late.png',
      reason: 'expired',
    });
  });

  test('what is finished, young, or being written to is not swept', async () => {
    const file = png();
    const finished = await tus.start(file.length);
    const id = (await tus.patch(finished, 0, file)).headers.get('Media-Id');
    const young = await tus.start(10);
    const busy = await tus.start(10);
    const elsewhere = await tus.start(10);
    await age(busy);
    await age(elsewhere);
    const lockedUntil = new Date(Date.now() + 60_000);
    await media.database.db
      .update(uploads)
      .set({ lockedUntil })
      .where(eq(uploads.id, idOf(elsewhere)));
    const hold = await media.deps.locks.acquire(idOf(busy));
    await sweepUploads(media.deps);
    expect(hold.signal.aborted).toBe(false);
    hold.release();
    expect((await tus.head(finished)).headers.get('Media-Id')).toBe(id);
    expect((await tus.head(young)).status).toBe(200);
    for (const path of [busy, elsewhere]) expect((await tus.head(path)).status).toBe(410);
  });

  test('one that has all its bytes is finished, not given up', async () => {
    const file = png(777);
    const path = await tus.start(file.length);
    await Bun.write(`${media.folder}/media/uploads/${idOf(path)}`, file);
    await age(path);
    await sweepUploads(media.deps);
    expect((await mediaOf((await tus.head(path)).headers.get('Media-Id'))).sha256).toBe(sha256(file));
  });

  test('parts and uploads of no bytes go without a word', async () => {
    const part = await tus.part(pattern(10));
    const empty = await tus.start(0);
    await Promise.all([age(part), age(empty)]);
    await sweepUploads(media.deps);
    for (const path of [part, empty]) {
      expect((await tus.head(path)).status).toBe(404);
      expect(await failures(path)).toEqual([]);
    }
  });

  test('a batch is bounded, and the next one takes the rest', async () => {
    const ids = Array.from({ length: 101 }, () => Bun.randomUUIDv7());
    const row = { ownerId: ana.id, ownerUsername: ana.username, filename: 'f', title: 'f', length: 9 };
    await media.database.db
      .insert(uploads)
      .values(ids.map((id) => ({ ...row, id, blobKey: id.replaceAll('-', ''), expiresAt: new Date(0) })));
    expect(await sweepUploads(media.deps)).toBe(100);
    expect(await sweepUploads(media.deps)).toBe(1);
  });
});

describe('termination', () => {
  test('of a part, and of a final upload that is finished: the media stays', async () => {
    const file = png(300);
    const lonely = await tus.part(file.subarray(0, 100));
    expect((await tus.delete(lonely)).status).toBe(204);
    expect((await tus.head(lonely)).status).toBe(404);
    const paths = [await tus.part(file.subarray(0, 100)), await tus.part(file.subarray(100))];
    const made = await tus.post({ 'Upload-Concat': `final;${paths.join(' ')}` });
    expect((await tus.delete(made.headers.get('Location') ?? '')).status).toBe(204);
    expect((await mediaOf(made.headers.get('Media-Id'))).sha256).toBe(sha256(file));
  });

  test('beside PATCHes leaves nothing, whoever is first', async () => {
    const before = await media.files();
    const path = await tus.start(1000);
    const answers = await Promise.all([
      tus.patch(path, 0, pattern(500)),
      tus.delete(path),
      tus.patch(path, 0, pattern(500)),
    ]);
    for (const { status } of answers) expect([204, 404, 409, 423]).toContain(status);
    expect((await tus.head(path)).status).toBe(404);
    expect(await media.files()).toEqual(before);
  });
});

describe('a token that runs out in the middle of an upload', () => {
  test('is 401 for every verb and harms nothing: with a fresh one it goes on', async () => {
    const file = png(900);
    const path = await tus.start(file.length);
    await tus.patch(path, 0, file.subarray(0, 400));
    const exp = Math.floor(Date.now() / 1000) - 3600;
    const stale = await media.tokens.user('USER', { sub: ana.id, iat: exp - 900, exp });
    const late = tusClient(media, stale);
    for (const call of [late.head(path), late.patch(path, 400, file.subarray(400)), late.delete(path)]) {
      const { status, headers } = await call;
      expect([status, headers.get('WWW-Authenticate')]).toEqual([401, 'Bearer']);
    }
    expect((await late.create(10)).status).toBe(401);
    expect(await offsetOf(path)).toBe('400');
    const last = await tus.patch(path, 400, file.subarray(400));
    expect((await mediaOf(last.headers.get('Media-Id'))).sha256).toBe(sha256(file));
  });
});
