import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { newBlobKey } from '@tertulia/shared/storage/blob-store';
import { startS3, type TestS3 } from '@tertulia/shared/testing/s3';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq } from 'drizzle-orm';
import { blobs as blobsTable, media as mediaTable } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { pattern, png } from '../testing/fixtures.ts';
import { s3Variables } from '../testing/on-s3.ts';
import { addRendition } from '../testing/renditions.ts';
import { tusClient } from '../testing/tus.ts';
import { checkBlobs } from './check.ts';
import { check } from './check-command.ts';

const LATER = new Date(Date.now() + 2 * 3_600_000);

describe.each(['disk', 'S3'])('bun run blobs:check on %s', (where) => {
  let s3: TestS3 | undefined;
  let media: TestApp;
  let ana: TestUser;
  beforeAll(async () => {
    s3 = where === 'S3' ? await startS3() : undefined;
    media = await createTestApp(s3 === undefined ? {} : s3Variables(s3.settings));
    ana = await media.user();
  });
  afterAll(async () => {
    await media.close();
    await s3?.stop();
  });

  async function run({ fix = false, now = LATER } = {}) {
    const lines: string[] = [];
    const { blobs, uploads } = media.deps;
    const { db } = media.database;
    const tell = (line: string) => void lines.push(line);
    return { ...(await checkBlobs({ db, blobs, uploads, fix, tell, now })), lines };
  }

  async function plantBlob(): Promise<string> {
    const [key, path] = [newBlobKey(), join(media.folder, 'planted')];
    await Bun.write(path, 'nobody’s');
    await media.deps.blobs.put(key, path);
    return key;
  }

  /** An upload's bytes without its row. */
  async function plantUpload(): Promise<void> {
    const { uploads } = media.deps;
    const upload = { id: Bun.randomUUIDv7(), generation: 2, blobKey: newBlobKey(), storeRef: null };
    const begun = { ...upload, storeRef: await uploads.begin(upload) };
    const writer = await uploads.append(begun, 0);
    await writer.write(pattern(100));
    await writer.close();
  }

  test('finds nothing where all is well, uploads under way and renditions too', async () => {
    const tus = tusClient(media, ana);
    const id = await tus.upload(png(500));
    await addRendition(media, id, 'thumbnail-320.webp', new Uint8Array([1, 2, 3]));
    await tus.patch(await tus.start(1000), 0, pattern(400));
    expect(await run()).toMatchObject({ orphans: 0, holes: 0, miscounted: 0, lines: [] });
  });

  test('finds planted orphans, leaves young ones alone, and removes the others with --fix', async () => {
    const key = await plantBlob();
    await plantUpload();
    // On S3 an upload without a row is a multipart upload and an object.
    const planted = where === 'S3' ? 3 : 2;
    expect(await run({ now: new Date() })).toMatchObject({ orphans: 0, removed: 0 });
    const found = await run();
    expect(found).toMatchObject({ orphans: planted, removed: 0, holes: 0 });
    expect(found.lines.join()).toContain(key);
    expect(await media.deps.blobs.size(key)).toBeGreaterThan(0);
    expect(await run({ fix: true })).toMatchObject({ orphans: planted, removed: planted });
    expect(await media.deps.blobs.size(key)).toBeUndefined();
    expect(await run()).toMatchObject({ orphans: 0, lines: [] });
  });

  test('finds holes and wrong counts, with what they belong to; the exit code is 1', async () => {
    const { db, url } = media.database;
    const [lost, short, odd] = await Promise.all(
      [600, 601, 602].map((filler) => tusClient(media, ana).upload(png(filler))),
    );
    const keyOf = async (id = '') => {
      const [row] = await db.select().from(mediaTable).where(eq(mediaTable.id, id));
      return row?.blobKey ?? '';
    };
    const source = { ...(s3 && s3Variables(s3.settings)), MEDIA_DATABASE_URL: url, DATA_DIR: media.folder };
    expect(await check(source, false)).toBe(0);
    await media.deps.blobs.remove(await keyOf(lost));
    await db
      .update(mediaTable)
      .set({ size: 7 })
      .where(eq(mediaTable.id, short ?? ''));
    await db
      .update(blobsTable)
      .set({ refs: 9 })
      .where(eq(blobsTable.key, await keyOf(odd)));
    const { lines, ...found } = await run({ fix: true });
    expect(found).toEqual({ orphans: 0, removed: 0, holes: 2, miscounted: 1 });
    expect(lines.join('\n')).toMatch(new RegExp(`hole: media ${lost}: .* is absent`));
    expect(lines.join('\n')).toMatch(new RegExp(`hole: media ${short}: .* not 7`));
    expect(await check(source, true)).toBe(1);
  });
});
