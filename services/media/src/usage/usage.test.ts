import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq, sql } from 'drizzle-orm';
import { media as mediaTable, removals, uploads, usage } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png } from '../testing/fixtures.ts';
import { tusClient } from '../testing/tus.ts';

const SIZE = png().length;
let media: TestApp;
let admin: TestUser;
beforeAll(async () => {
  media = await createTestApp({ QUOTA_BYTES: String(10 * SIZE) });
  admin = await media.user('ADMIN');
});
afterAll(() => media.close());

const usageOf = async (as: TestUser) => (await media.call('GET', '/media/usage', { as })).body;
const setQuota = (userId: string, quotaBytes: unknown, as: TestUser = admin) =>
  media.call('PUT', `/media/usage/${userId}`, { as, body: { quotaBytes } });

function sendForm(as: TestUser, file = png()) {
  const body = new FormData();
  body.set('file', new Blob([file.slice()], { type: 'image/png' }), 'a.png');
  return media.call('POST', '/media', { as, body });
}

/** What the table says, and what counting the rows gives. */
async function counts({ id }: TestUser) {
  const { db } = media.database;
  const [row] = await db.select().from(usage).where(eq(usage.userId, id));
  const [files] = await db
    .select({ bytes: sql<number>`coalesce(sum(size), 0)::int`, files: sql<number>`count(*)::int` })
    .from(mediaTable)
    .where(eq(mediaTable.ownerId, id));
  const [running] = await db
    .select({ bytes: sql<number>`coalesce(sum(reserved), 0)::int` })
    .from(uploads)
    .where(sql`owner_id = ${id} and media_id is null`);
  const { usedBytes = 0, reservedBytes = 0, files: counted = 0 } = row ?? {};
  return {
    told: { usedBytes, reservedBytes, files: counted },
    counted: { usedBytes: files?.bytes, reservedBytes: running?.bytes, files: files?.files },
  };
}

describe('GET /media/usage', () => {
  test('200 with what there is; 401 without a token', async () => {
    const ana = await media.user();
    const quotaBytes = 10 * SIZE;
    expect(await usageOf(ana)).toEqual({ usedBytes: 0, reservedBytes: 0, quotaBytes, files: 0 });
    await tusClient(media, ana).upload(png());
    await tusClient(media, ana).start(7);
    expect(await usageOf(ana)).toEqual({ usedBytes: SIZE, reservedBytes: 7, quotaBytes, files: 1 });
    expect((await media.call('GET', '/media/usage')).status).toBe(401);
  });
});

describe('PUT /media/usage/{userId}', () => {
  test('a quota of one’s own, larger or smaller, and back', async () => {
    const ana = await media.user();
    expect((await setQuota(ana.id, 11 * SIZE)).body.quotaBytes).toBe(11 * SIZE);
    const tus = tusClient(media, ana);
    expect((await tus.create(11 * SIZE)).status).toBe(201);
    expect((await setQuota(ana.id, 0)).status).toBe(200);
    expect((await tus.create(1)).status).toBe(413);
    expect((await setQuota(ana.id, null)).body.quotaBytes).toBe(10 * SIZE);
  });

  test('401, 403 to others than administrators, 404, 422', async () => {
    const ana = await media.user();
    expect((await media.call('PUT', `/media/usage/${ana.id}`, { body: { quotaBytes: 1 } })).status).toBe(401);
    expect((await setQuota(ana.id, 1, await media.user('MODERATOR'))).status).toBe(403);
    expect((await setQuota('nobody', 1)).status).toBe(404);
    for (const bad of [-1, 1.5, 2 ** 60, '1', undefined])
      expect((await setQuota(ana.id, bad)).status).toBe(422);
  });
});

describe('a quota', () => {
  test('50 creations at once never overshoot, and what they gave up is there again', async () => {
    const ana = await media.user();
    const tus = tusClient(media, ana);
    const answers = await Promise.all(Array.from({ length: 50 }, () => tus.create(SIZE)));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(10);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused.every(({ status, body }) => status === 413 && body.code === 'quota_exceeded')).toBe(true);
    expect((await sendForm(ana)).body.code).toBe('quota_exceeded');
    await tus.delete(made[0]?.headers.get('Location') ?? '');
    expect((await sendForm(ana)).status).toBe(201);
    expect((await usageOf(ana)).files).toBe(1);
  });

  test('forms at once never overshoot, and the refused leave nothing', async () => {
    const ana = await media.user();
    await setQuota(ana.id, 3 * SIZE);
    const answers = await Promise.all(Array.from({ length: 12 }, () => sendForm(ana)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(3).fill(201), ...Array(9).fill(413)]);
    expect(await counts(ana)).toMatchObject({ told: { usedBytes: 3 * SIZE, reservedBytes: 0, files: 3 } });
    expect(await media.database.db.$count(removals, eq(removals.place, 'blob'))).toBe(0);
  });

  test('reaching 90 and 100 % is told, once each', async () => {
    const ana = await media.user();
    for (let n = 0; n < 10; n++) await tusClient(media, ana).upload(png());
    const told = (await media.events()).filter(
      ({ data, type }) => type === 'quota.reached' && data.userId === ana.id,
    );
    expect(told.map(({ data }) => data.usedBytes)).toEqual([9 * SIZE, 10 * SIZE]);
  });

  test('media in the trash count until they are gone for good', async () => {
    const ana = await media.user();
    const id = await tusClient(media, ana).upload(png());
    await media.call('DELETE', `/media/${id}`, { as: ana });
    expect((await usageOf(ana)).usedBytes).toBe(SIZE);
    await media.call('DELETE', `/media/${id}?permanent=1`, { as: ana });
    expect(await usageOf(ana)).toMatchObject({ usedBytes: 0, files: 0 });
  });

  test('whatever happens at once, it equals a recount', async () => {
    const users = await Promise.all([media.user(), media.user()]);
    // A small generator of its own, so that a failure can be had again.
    let seed = 20_261_124;
    const roll = (sides: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % sides;
    };
    async function act(as: TestUser, what: number) {
      const tus = tusClient(media, as);
      if (what === 0) return sendForm(as);
      const path = await tus.start(SIZE);
      if (path === '') return;
      if (what === 1) return tus.delete(path);
      if (what === 2) return Promise.all([tus.patch(path, 0, png()), tus.delete(path)]);
      if (what === 3) return tus.patch(path, 0, new Uint8Array(SIZE).fill(1));
      const id = (await tus.patch(path, 0, png())).headers.get('Media-Id') ?? '';
      if (what === 4) return;
      const remove = (query: string) => media.call('DELETE', `/media/${id}${query}`, { as });
      if (what === 5) return remove('');
      return Promise.all([remove('?permanent=1'), remove('?permanent=1'), remove('')]);
    }
    for (let round = 0; round < 3; round++) {
      await Promise.all(users.flatMap((user) => Array.from({ length: 8 }, () => act(user, roll(7)))));
      for (const user of users) {
        const { told, counted } = await counts(user);
        expect(told).toEqual(counted as typeof told);
      }
    }
  });
});
