import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountSmallDisk } from '@tertulia/shared/testing/small-disk';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { WHOLE } from '@tertulia/shared/testing/whole';
import { checkBlobs } from '../files/check.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png, sha256 } from '../testing/fixtures.ts';
import { type TusClient, tusClient } from '../testing/tus.ts';

const MIB = 1024 * 1024;
const [COUNT, EACH, FREE] = WHOLE ? [8, 20 * MIB, 64] : [4, 3 * MIB, 8];

const disk = mountSmallDisk(FREE + COUNT * 20 + 8);
const why = disk === undefined ? ' [skipped: no tmpfs can be mounted here]' : '';

describe.skipIf(disk === undefined)(`a disk that is full${why}`, () => {
  let media: TestApp;
  let ana: TestUser;
  let tus: TusClient;
  let filler: string;
  const root = disk?.path ?? '';
  beforeAll(async () => {
    media = await createTestApp({ DATA_DIR: root, TRASH_DAYS: '0' });
    ana = await media.user();
    tus = tusClient(media, ana);
    filler = join(root, 'filler');
    await writeFile(filler, Buffer.alloc((COUNT * 20 + 8) * MIB, 1));
  });
  afterAll(async () => {
    await media.close();
    disk?.remove();
  });

  const fileOf = (path: string) => join(root, 'media/uploads', path.split('/').at(-1) ?? '');
  const onDisk = async (path: string) => (await stat(fileOf(path)).catch(() => ({ size: 0 }))).size;
  const offsetOf = async (path: string) => Number((await tus.head(path)).headers.get('Upload-Offset'));

  test('507 to what does not fit; offsets are what lies there, and with room all go on to their ends', async () => {
    const files = Array.from({ length: COUNT }, (_, at) => png(EACH + at));
    const paths = await Promise.all(files.map((file) => tus.start(file.length)));
    const send = (file: Uint8Array, at: number, offset: number) =>
      tus.patch(paths[at] ?? '', offset, file.subarray(offset, offset + EACH));
    const answers = await Promise.all(files.map((file, at) => send(file, at, 0)));
    const refused = answers.filter(({ status }) => status !== 204);
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, body } of refused) {
      expect([status, body.code]).toEqual([507, 'insufficient_storage']);
    }
    for (const path of paths) expect(await offsetOf(path)).toBe(await onDisk(path));

    // All ways in say the same, and leave nothing.
    const first = paths[answers.findIndex(({ status }) => status !== 204)] ?? '';
    const at = await offsetOf(first);
    const body = png(MIB);
    const checksum = `sha256 ${Buffer.from(sha256(body), 'hex').toString('base64')}`;
    expect((await tus.patch(first, at, body, { 'Upload-Checksum': checksum })).status).toBe(507);
    expect([await offsetOf(first), await onDisk(first)]).toEqual([at, at]);
    const form = new FormData();
    form.append('file', new Blob([png(EACH).slice()]), 'a.png');
    const answer = await media.call('POST', '/media', { as: ana, body: form });
    expect([answer.status, answer.body.code]).toEqual([507, 'insufficient_storage']);
    expect((await media.call('GET', '/media', { as: ana })).status).toBe(200);

    await rm(filler);
    for (const [at, file] of files.entries()) {
      const path = paths[at] ?? '';
      let offset = await offsetOf(path);
      let id: string | null = null;
      while (offset < file.length) {
        const { status, headers } = await send(file, at, offset);
        expect(status).toBe(204);
        offset = Number(headers.get('Upload-Offset'));
        id = headers.get('Media-Id');
      }
      const content = await media.app.request(`/media/${id}/content`);
      expect(sha256(await content.bytes())).toBe(sha256(file));
    }
    const { blobs, uploads } = media.deps;
    const now = new Date(Date.now() + 2 * 3_600_000);
    const check = { db: media.database.db, blobs, uploads, fix: false, tell: () => {}, now };
    expect(await checkBlobs(check)).toEqual({ orphans: 0, removed: 0, holes: 0, miscounted: 0 });
    expect(await Array.fromAsync(new Bun.Glob('*').scan(join(root, 'media/forms')))).toEqual([]);
  });
});
