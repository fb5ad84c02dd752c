import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { FIRST_USER } from '@tertulia/shared/departures/held';
import { departures } from '@tertulia/shared/departures/tables';
import { handle } from '@tertulia/shared/events/handle';
import { idempotencyKeys } from '@tertulia/shared/http/idempotency';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq } from 'drizzle-orm';
import { consumers } from '../consumers.ts';
import { media as mediaTable, removals, uploads, usage } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png } from '../testing/fixtures.ts';
import { tusClient } from '../testing/tus.ts';
import { createForget, heldUsers } from './departures.ts';

let media: TestApp;
let forget: ReturnType<typeof createForget>;
beforeAll(async () => {
  media = await createTestApp();
  forget = createForget(media.deps);
});
afterAll(() => media.close());

const gone = (user: TestUser, signal = new AbortController().signal) => forget(user.id, signal);
const held = () => heldUsers(media.deps.db, FIRST_USER, 1000);

async function form(as: TestUser) {
  const body = new FormData();
  body.set('title', 'By form');
  body.set('file', new Blob([png().slice()], { type: 'image/png' }), 'a.png');
  return media.call('POST', '/media', { as, body, headers: { 'Idempotency-Key': 'one' } });
}

test('user.deleted is noted', async () => {
  const { id, username } = await media.user();
  const envelope = {
    id: Bun.randomUUIDv7(),
    type: 'user.deleted',
    version: 1,
    source: 'auth',
    subject: `user:${id}`,
    actorId: id,
    occurredAt: new Date().toISOString(),
    data: { userId: id, username },
  };
  await media.database.db.transaction((tx) => handle(consumers, tx, envelope, () => {}));
  expect(await media.database.db.$count(departures, eq(departures.userId, id))).toBe(1);
});

describe('who has gone', () => {
  test('leaves no media, no upload, no answer and no file; others keep theirs', async () => {
    const [ana, ben] = [await media.user(), await media.user()];
    const kept = await tusClient(media, ben).upload(png(), {});
    const before = await media.files();
    const tus = tusClient(media, ana);
    const finished = await tus.upload(png(), { visibility: 'private' });
    const half = await tus.start(png().length);
    await tus.patch(half, 0, png().subarray(0, 10));
    const byForm = (await form(ana)).body.id;
    expect((await media.files()).length).toBeGreaterThan(before.length);
    await gone(ana);
    for (const id of [finished, byForm]) {
      expect((await media.call('GET', `/media/${id}`, { as: ana })).status).toBe(404);
      const told = (await media.events()).filter(({ data }) => data.mediaId === id);
      expect(told.map(({ type, actorId }) => [type, actorId])).toEqual([
        ['media.uploaded', ana.id],
        ['media.deleted', ana.id],
      ]);
    }
    expect((await tus.head(half)).status).toBe(404);
    expect(await media.files()).toEqual(before);
    expect(await media.database.db.$count(removals)).toBe(0);
    expect(await media.database.db.$count(uploads, eq(uploads.ownerId, ana.id))).toBe(0);
    expect(await media.database.db.$count(idempotencyKeys, eq(idempotencyKeys.caller, ana.id))).toBe(0);
    expect(await held()).toEqual([ben.id]);
    expect((await media.call('GET', `/media/${kept}/content`)).status).toBe(200);
  });

  test('leaves no like, report, album, and no name in the log; counts of others are right', async () => {
    const [ana, ben, cleo] = await Promise.all([media.user('MODERATOR'), media.user(), media.user()]);
    const [liked, removed] = [
      await tusClient(media, ben).upload(png()),
      await tusClient(media, ben).upload(png()),
    ];
    const as = (user: TestUser, body?: unknown) => ({ as: user, ...(body === undefined ? {} : { body }) });
    for (const user of [ana, cleo]) {
      await media.call('PUT', `/media/${liked}/like`, as(user));
      await media.call('POST', `/media/${liked}/reports`, as(user, { reason: 'spam' }));
    }
    const { id: album } = (await media.call('POST', '/albums', as(ana, { title: 'Mine' }))).body;
    await media.call('PUT', `/albums/${album}/items/${liked}`, as(ana));
    await media.call('POST', `/media/${removed}/moderation`, as(ana, { action: 'remove', reason: 'abuse' }));
    expect(await held()).toContain(ana.id);
    await gone(ana);
    expect(await held()).not.toContain(ana.id);
    expect((await media.call('GET', `/media/${liked}`)).body.likes).toBe(1);
    const moderator = await media.user('MODERATOR');
    const { items } = (await media.call('GET', '/media/reports', as(moderator))).body;
    expect(items).toMatchObject([{ media: { id: liked }, reports: 1 }]);
    expect((await media.call('GET', `/albums/${album}`, as(ana))).status).toBe(404);
    const log = (await media.call('GET', '/media/moderation/log', as(moderator))).body.items;
    expect(log).toMatchObject([{ mediaId: removed, moderatorId: null, reason: 'abuse' }]);
    // It is another than the owner all the same who has removed it.
    expect((await media.call('POST', `/media/${removed}/restore`, as(ben))).status).toBe(403);
    await Promise.all([gone(ben), gone(cleo)]);
    expect(await media.database.db.$count(usage, eq(usage.userId, ben.id))).toBe(0);
  });

  test('again, or twice at once, it changes nothing and tells nothing more', async () => {
    const ana = await media.user();
    for (let n = 0; n < 3; n++) await tusClient(media, ana).upload(png(), {});
    await Promise.all([gone(ana), gone(ana)]);
    const told = (await media.events()).length;
    await gone(ana);
    expect(await media.events()).toHaveLength(told);
    const deleted = (await media.events()).filter(
      ({ type, actorId }) => type === 'media.deleted' && actorId === ana.id,
    );
    expect(deleted).toHaveLength(3);
  });

  test('more than a batch goes whole, and it stops between two when told so', async () => {
    const ana = await media.user();
    const rows = Array.from({ length: 230 }, (_, n) => ({
      id: Bun.randomUUIDv7(),
      ownerId: ana.id,
      ownerUsername: ana.username,
      filename: 'a.png',
      title: `${n}`,
      blobKey: Bun.randomUUIDv7(),
      kind: 'image' as const,
      mimeType: 'image/png',
      size: 1,
      sha256: 'x',
    }));
    await media.database.db.insert(mediaTable).values(rows);
    const mine = () => media.database.db.$count(mediaTable, eq(mediaTable.ownerId, ana.id));
    await gone(ana, AbortSignal.abort());
    expect(await mine()).toBe(230);
    await gone(ana);
    expect(await mine()).toBe(0);
    const deleted = (await media.events()).filter(
      ({ type, actorId }) => type === 'media.deleted' && actorId === ana.id,
    );
    expect(new Set(deleted.map(({ data }) => data.mediaId))).toEqual(new Set(rows.map(({ id }) => id)));
  });

  test('an upload that is being finished at that moment leaves nothing either', async () => {
    for (let n = 0; n < 10; n++) {
      const ana = await media.user();
      const tus = tusClient(media, ana);
      const path = await tus.start(png().length);
      await Promise.all([gone(ana), tus.patch(path, 0, png())]);
      await gone(ana);
      expect(await held()).not.toContain(ana.id);
    }
  });
});
