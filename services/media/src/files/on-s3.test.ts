import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listMultiparts } from '@tertulia/shared/storage/s3-multipart';
import { listObjects } from '@tertulia/shared/storage/s3-objects';
import { createTestClient } from '@tertulia/shared/testing/client';
import { startS3, type TestS3 } from '@tertulia/shared/testing/s3';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { createApp } from '../app.ts';
import { createDeps } from '../deps.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { pattern, png, sha256 } from '../testing/fixtures.ts';
import { s3Variables } from '../testing/on-s3.ts';
import { type TusClient, tusClient } from '../testing/tus.ts';

const MIB = 1024 * 1024;

let s3: TestS3;
let here: TestApp;
/** A second node: its own folder, its own memory, the same database and bucket. */
let there: TestApp;
let folder: string;
let ana: TestUser;
beforeAll(async () => {
  s3 = await startS3();
  [here, folder] = await Promise.all([
    createTestApp({ ...s3Variables(s3.settings), TRASH_DAYS: '0' }),
    mkdtemp(join(tmpdir(), 'tertulia-media-')),
  ]);
  const { database, tokens } = here;
  const env = { ...here.env, DATA_DIR: folder };
  const deps = await createDeps(env, here.deps.log, database, tokens.verifier, {});
  const app = createApp(deps);
  there = { ...here, app, deps, env, folder, call: createTestClient(app) };
  ana = await here.user();
});
afterAll(async () => {
  await here.close();
  await rm(folder, { recursive: true, force: true });
  await s3.stop();
});

const objects = async () => Array.fromAsync(listObjects(s3.bucket, ''));
const multiparts = async () => Array.fromAsync(listMultiparts(s3.bucket, ''));
const filesOf = (path: string) => Array.fromAsync(new Bun.Glob('**').scan({ cwd: path, onlyFiles: true }));
const content = (app: TestApp, id: string | null, headers = {}) =>
  app.app.request(`/media/${id}/content`, { headers });

describe('two nodes that share a bucket and no disk', () => {
  let first: TusClient;
  let second: TusClient;
  beforeAll(() => {
    first = tusClient(here, ana);
    second = tusClient(there, ana);
  });

  test('go on with each other’s uploads, serve them, and delete them', async () => {
    const file = png(11 * MIB + 77);
    const path = await first.start(file.length);
    const ends = [3000, 5 * MIB + 10, 6 * MIB, 11 * MIB, file.length];
    let offset = 0;
    let id: string | null = null;
    for (const [at, end] of ends.entries()) {
      const [by, other] = at % 2 === 0 ? [first, second] : [second, first];
      const { status, headers } = await by.patch(path, offset, file.subarray(offset, end));
      expect([status, headers.get('Upload-Offset')]).toEqual([204, String(end)]);
      offset = end;
      id = headers.get('Media-Id');
      const head = await other.head(path);
      expect([head.headers.get('Upload-Offset'), head.headers.get('Media-Id')]).toEqual([String(end), id]);
    }
    expect(await multiparts()).toEqual([]);
    expect((await objects()).map(({ size }) => size)).toEqual([file.length]);
    expect([...(await filesOf(here.folder)), ...(await filesOf(folder))]).toEqual([]);

    for (const node of [here, there]) {
      const whole = await content(node, id);
      expect([whole.status, sha256(await whole.bytes())]).toEqual([200, sha256(file)]);
      const range = await content(node, id, { Range: 'bytes=5242870-5242889' });
      expect([range.status, range.headers.get('Content-Range')]).toEqual([
        206,
        `bytes 5242870-5242889/${file.length}`,
      ]);
      expect(await range.bytes()).toEqual(file.slice(5_242_870, 5_242_890));
    }
    expect((await there.call('DELETE', `/media/${id}`, { as: ana })).status).toBe(204);
    expect(await objects()).toEqual([]);
  });

  test('a file in one request, by tus and by form; the same bytes are one object', async () => {
    const before = (await objects()).length;
    const file = png(2000);
    const made = await second.create(
      file.length,
      { 'Content-Type': 'application/offset+octet-stream' },
      file,
    );
    const id = made.headers.get('Media-Id');
    expect(sha256(await (await content(here, id)).bytes())).toBe(sha256(file));
    const form = new FormData();
    form.append('file', new Blob([file.slice()]), 'a.png');
    const { status, body } = await here.call('POST', '/media', { as: ana, body: form });
    expect(status).toBe(201);
    expect(sha256(await (await content(there, body.id)).bytes())).toBe(sha256(file));
    expect(await objects()).toHaveLength(before + 1);
  });

  test('parts that were sent to both become one file', async () => {
    const file = png(6 * MIB);
    const cut = 5 * MIB + 100;
    const parts = [file.subarray(0, cut), file.subarray(cut)];
    const paths = [];
    for (const [at, part] of parts.entries()) {
      const by = at === 0 ? first : second;
      const path = await by.start(part.length, { 'Upload-Concat': 'partial' });
      expect((await by.patch(path, 0, part)).status).toBe(204);
      paths.push(path);
    }
    const { status, headers } = await second.post({ 'Upload-Concat': `final;${paths.join(' ')}` });
    expect(status).toBe(201);
    const id = headers.get('Media-Id');
    expect(sha256(await (await content(here, id)).bytes())).toBe(sha256(file));
  });

  test('what is discarded or refused leaves nothing in the bucket', async () => {
    const before = await objects();
    const path = await first.start(6 * MIB);
    await first.patch(path, 0, pattern(5 * MIB + 5));
    expect((await second.delete(path)).status).toBe(204);
    const html = new TextEncoder().encode('<html><script>alert(1)</script></html>');
    const refused = await second.patch(await first.start(html.length), 0, html);
    expect(refused.status).toBe(415);
    expect(await objects()).toEqual(before);
    expect(await multiparts()).toEqual([]);
  });

  test('a checksum that does not fit changes nothing', async () => {
    const file = png(1000);
    const path = await first.start(file.length);
    const wrong = { 'Upload-Checksum': `sha256 ${Buffer.alloc(32).toString('base64')}` };
    expect((await first.patch(path, 0, file, wrong)).status).toBe(460);
    expect((await second.head(path)).headers.get('Upload-Offset')).toBe('0');
    expect(await filesOf(here.folder)).toEqual([]);
    expect((await second.patch(path, 0, file)).headers.get('Media-Id')).not.toBeNull();
  });
});

test('503 while the bucket is away, and the upload goes on where it was', async () => {
  const away = await startS3();
  const node = await createTestApp(s3Variables(away.settings));
  const who = await node.user();
  const tus = tusClient(node, who);
  const path = await tus.start(100);
  await away.stop();
  const { status, body } = await tus.patch(path, 0, pattern(50));
  expect([status, body.code]).toEqual([503, 'unavailable']);
  await node.close();
});

test.each([
  [{ S3_ENDPOINT: 'http://127.0.0.1:1' }, 'S3_BUCKET'],
  [{ S3_BUCKET: 'media' }, 'S3_ENDPOINT'],
  [{ S3_ENDPOINT: 'http://127.0.0.1:1', S3_BUCKET: 'media', S3_ACCESS_KEY_ID: 'x' }, 'S3_SECRET_ACCESS_KEY'],
])('half of a bucket’s settings say what is missing: %p', async (settings, missing) => {
  const { openStores } = await import('./stores.ts');
  const env = { ...here.env, ...unset, ...settings };
  await expect(openStores(env)).rejects.toThrow(missing);
});

const unset = {
  S3_ENDPOINT: undefined,
  S3_BUCKET: undefined,
  S3_ACCESS_KEY_ID: undefined,
  S3_SECRET_ACCESS_KEY: undefined,
};
