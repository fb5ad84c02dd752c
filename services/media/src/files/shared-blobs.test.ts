import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq, sql } from 'drizzle-orm';
import { blobs, media as mediaTable } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png, sha256 } from '../testing/fixtures.ts';
import { addRendition } from '../testing/renditions.ts';
import { tusClient } from '../testing/tus.ts';
import { sweep } from './removals.ts';

let media: TestApp;
let people: TestUser[];
beforeAll(async () => {
  media = await createTestApp({ DB_POOL_MAX: '20' });
  people = await Promise.all(Array.from({ length: 5 }, () => media.user()));
});
afterAll(() => media.close());

/** One of some people, in turn. */
function person(at: number): TestUser {
  const found = people[at % people.length];
  if (found === undefined) throw new Error('nobody');
  return found;
}

function byForm(file: Uint8Array, as: TestUser) {
  const form = new FormData();
  form.append('file', new Blob([file.slice()]), 'same.png');
  return media.call('POST', '/media', { as, body: form });
}
const byTus = (file: Uint8Array, as: TestUser) => tusClient(media, as).upload(file);
const remove = (id: string, as: TestUser) => media.call('DELETE', `/media/${id}?permanent=1`, { as });
const content = async (id: string) => sha256(await (await media.app.request(`/media/${id}/content`)).bytes());

async function kept(file: Uint8Array) {
  const digest = sha256(file);
  const { db } = media.database;
  const [[row], [counted]] = await Promise.all([
    db.select().from(blobs).where(eq(blobs.sha256, digest)),
    db
      .select({ rows: sql<number>`count(*)::int`, keys: sql<number>`count(distinct blob_key)::int` })
      .from(mediaTable)
      .where(eq(mediaTable.sha256, digest)),
  ]);
  return { row, counted };
}

const blobFiles = async () => (await media.files()).filter((path) => path.startsWith('media/blobs/'));

describe('the same bytes', () => {
  test('are kept once, whoever sends them and how; the last media takes them along', async () => {
    const [ana, ben] = [person(0), person(1)];
    const file = png(11);
    const before = await blobFiles();
    const first = await byTus(file, ana);
    const second = (await byForm(file, ben)).body;
    expect(await blobFiles()).toHaveLength(before.length + 1);
    expect((await kept(file)).row?.refs).toBe(2);
    await remove(first, ana);
    expect(await content(second.id)).toBe(sha256(file));
    await remove(second.id, ben);
    expect(await blobFiles()).toEqual(before);
    expect((await kept(file)).row).toBeUndefined();
  });

  test('get the same answers as new ones: nothing tells that another has them', async () => {
    const answers = [];
    for (const who of [person(0), person(1)]) {
      const tus = tusClient(media, who);
      const file = png(12);
      const path = await tus.start(file.length);
      const part = await tus.patch(path, 0, file.subarray(0, 40));
      const last = await tus.patch(path, 40, file.subarray(40));
      const form = await byForm(file, who);
      const { id, ownerId, ownerUsername, createdAt, updatedAt, links, ...same } = form.body;
      answers.push({
        part: [part.status, part.headers.get('Upload-Offset')],
        last: [last.status, last.headers.get('Upload-Offset')],
        form: [form.status, [...form.headers.keys()].sort()],
        same,
      });
      await remove(form.body.id, who);
    }
    expect(answers[1]).toEqual(answers[0]);
  });

  test('are counted exactly under 50 finishes and deletions at once', async () => {
    const file = png(13);
    const before = await blobFiles();
    const ids: { id: string; who: TestUser }[] = [];
    const rounds = Array.from({ length: 50 }, async (_, at) => {
      const who = person(at);
      const id = at % 2 === 0 ? await byTus(file, who) : (await byForm(file, who)).body.id;
      if (at % 3 === 0) await remove(id, who);
      else ids.push({ id, who });
    });
    await Promise.all(rounds);
    await sweep(media.deps);
    const { row, counted } = await kept(file);
    expect(counted).toEqual({ rows: ids.length, keys: 1 });
    expect(row?.refs).toBe(ids.length);
    expect(await blobFiles()).toHaveLength(before.length + 1);
    for (const { id } of ids.slice(0, 3)) expect(await content(id)).toBe(sha256(file));

    await Promise.all(ids.map(({ id, who }) => remove(id, who)));
    await sweep(media.deps);
    expect((await kept(file)).row).toBeUndefined();
    expect(await blobFiles()).toEqual(before);
  });

  test('that an older installation kept twice go one by one', async () => {
    const ana = person(0);
    const file = png(14);
    const before = await blobFiles();
    const first = await byTus(file, ana);
    // As the migration leaves it: one row a digest, and media with keys of their own.
    const { db } = media.database;
    await db
      .update(blobs)
      .set({ sha256: 'elsewhere' })
      .where(eq(blobs.sha256, sha256(file)));
    const second = await byTus(file, ana);
    await db.delete(blobs).where(eq(blobs.sha256, 'elsewhere'));
    expect(await blobFiles()).toHaveLength(before.length + 2);
    await remove(first, ana);
    expect(await blobFiles()).toHaveLength(before.length + 1);
    expect(await content(second)).toBe(sha256(file));
    await remove(second, ana);
    expect(await blobFiles()).toEqual(before);
  });
});

test('what was made of a media goes with it', async () => {
  const before = await blobFiles();
  const id = await byTus(png(15), person(0));
  await addRendition(media, id, 'thumbnail-320.webp', new Uint8Array([1, 2, 3]));
  expect(await blobFiles()).toHaveLength(before.length + 2);
  await remove(id, person(0));
  expect(await blobFiles()).toEqual(before);
});
