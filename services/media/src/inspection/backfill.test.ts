import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq } from 'drizzle-orm';
import { media as mediaTable } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { sha256 } from '../testing/fixtures.ts';
import { privateJpeg, SECRET } from '../testing/private-files.ts';
import { tusClient } from '../testing/tus.ts';
import { backfill } from './backfill.ts';

const file = privateJpeg();
const running = new AbortController().signal;

let media: TestApp;
let ana: TestUser;
beforeAll(async () => {
  media = await createTestApp();
  ana = await media.user();
});
afterAll(() => media?.close());

const content = async (id: string, as?: TestUser) => {
  const headers = new Headers(as === undefined ? {} : { Authorization: `Bearer ${as.token}` });
  const response = await media.app.request(`/media/${id}/content`, { headers });
  return { status: response.status, headers: response.headers, bytes: await response.bytes() };
};
const keep = async (id: string, keepMetadata: boolean) =>
  (await media.call('PATCH', `/media/${id}`, { as: ana, body: { keepMetadata } })).body;

/** A media as it was before files were looked into. */
async function old(): Promise<string> {
  const id = await tusClient(media, ana).upload(file);
  const nothing = { redactions: null, redactedSha256: null, width: null, height: null };
  await media.database.db.update(mediaTable).set(nothing).where(eq(mediaTable.id, id));
  return id;
}

const hides = (bytes: Uint8Array) => !Buffer.from(bytes).includes(SECRET);

describe('what a camera wrote into a file', () => {
  test('goes to its owner; to others when the owner says so, and not any more when not', async () => {
    const id = await tusClient(media, ana).upload(file);
    expect(sha256((await content(id, ana)).bytes)).toBe(sha256(file));
    expect(hides((await content(id)).bytes)).toBe(true);
    expect(await keep(id, true)).toMatchObject({ keepMetadata: true });
    expect(sha256((await content(id)).bytes)).toBe(sha256(file));
    expect(await keep(id, false)).toMatchObject({ keepMetadata: false });
    expect(hides((await content(id)).bytes)).toBe(true);
    const { body } = await media.call('GET', `/media/${id}`);
    expect(body).not.toHaveProperty('keepMetadata');
    expect(body).toMatchObject({ width: 8, height: 8 });
  });

  test('is kept from the start where the upload says so, by tus and by form', async () => {
    const byTus = await tusClient(media, ana).upload(file, { keepMetadata: 'true' });
    const form = new FormData();
    form.append('file', new File([file.slice()], 'a.jpg'));
    form.append('keepMetadata', 'true');
    const { body } = await media.call('POST', '/media', { as: ana, body: form });
    expect(body.keepMetadata).toBe(true);
    for (const id of [byTus, body.id]) expect(sha256((await content(id)).bytes)).toBe(sha256(file));
    form.set('keepMetadata', 'perhaps');
    expect((await media.call('POST', '/media', { as: ana, body: form })).status).toBe(422);
  });
});

describe('a media of before', () => {
  test('is looked into before anybody but its owner gets it', async () => {
    const id = await old();
    const own = await content(id, ana);
    expect(sha256(own.bytes)).toBe(sha256(file));
    expect(own.headers.get('Cache-Control')).toBe('private, no-store');
    const others = await content(id);
    expect(hides(others.bytes)).toBe(true);
    expect(others.headers.get('ETag')).toBe(`"${sha256(others.bytes)}"`);
    const { body } = await media.call('GET', `/media/${id}`, { as: ana });
    expect(body).toMatchObject({ width: 8, height: 8 });
  });

  test('is looked into in the background, once', async () => {
    const ids = [await old(), await old(), await old()];
    expect(await backfill(media.deps, running)).toBe(3);
    expect(await backfill(media.deps, running)).toBe(0);
    for (const id of ids) expect(hides((await content(id)).bytes)).toBe(true);
  });

  test('that would be refused today stays its owner’s alone, and holds nobody up', async () => {
    const id = await old();
    const [row] = await media.database.db.select().from(mediaTable).where(eq(mediaTable.id, id));
    const strict = { ...media.deps, env: { ...media.env, IMAGE_MAX_PIXELS: 1 } };
    expect(await backfill(strict, running)).toBe(1);
    await media.deps.blobs.remove(row?.blobKey ?? '');
    expect((await content(id)).status).toBe(404);
    await media.database.db.delete(mediaTable).where(eq(mediaTable.id, id));
  });
});
