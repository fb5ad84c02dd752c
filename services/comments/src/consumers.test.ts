import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { announce } from '@tertulia/shared/events/announce';
import { startReader } from '@tertulia/shared/events/reader';
import { startRelay } from '@tertulia/shared/events/relay';
import { createLog } from '@tertulia/shared/runtime/log';
import { openCarriers } from '@tertulia/shared/stores/carriers';
import { eventually } from '@tertulia/shared/testing/eventually';
import { createTestDatabase } from '@tertulia/shared/testing/postgres';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq } from 'drizzle-orm';
import { consumers } from './consumers.ts';
import { media } from './db/schema.ts';
import { MIGRATIONS } from './deps.ts';
import { createTestApp, type TestMedia } from './test-app.ts';

let service: Awaited<ReturnType<typeof createTestApp>>;
let ana: TestUser;
let ben: TestUser;
beforeAll(async () => {
  service = await createTestApp();
  [ana, ben] = await Promise.all([service.user(), service.user()]);
});
afterAll(() => service.close());

const heardOf = async ({ mediaId }: TestMedia) =>
  (await service.database.db.select().from(media).where(eq(media.id, mediaId)))[0];
const look = async ({ mediaId }: TestMedia, as?: TestUser) =>
  (await service.call('GET', `/comments/media/${mediaId}`, as === undefined ? {} : { as })).status;

describe('media.uploaded', () => {
  test('makes a media known; again, or after an update, it changes nothing', async () => {
    const uploaded = await service.upload(ana);
    expect(await heardOf(uploaded)).toMatchObject({ ownerId: ana.id, title: 'Sunset', deletedAt: null });
    await service.hear('media.updated', { ...uploaded, title: 'Dawn' });
    await service.hear('media.uploaded', uploaded);
    expect((await heardOf(uploaded))?.title).toBe('Dawn');
  });
});

describe('what may come back', () => {
  test('in the trash nobody sees it, restored everybody does, and gone for good it stays gone', async () => {
    const uploaded = await service.upload(ana);
    await service.say(ben, uploaded);
    await service.hear('media.deleted', { ...uploaded, final: false });
    expect([await look(uploaded), await look(uploaded, ana)]).toEqual([404, 404]);
    await service.hear('media.updated', uploaded);
    expect(await look(uploaded)).toBe(404);
    await service.hear('media.restored', uploaded);
    expect(await look(uploaded)).toBe(200);
    await service.hear('media.deleted', { ...uploaded, final: true });
    await service.hear('media.restored', uploaded);
    expect(await look(uploaded)).toBe(404);
    expect(await heardOf(uploaded)).toMatchObject({ title: '', ownerUsername: '' });
  });

  test('hidden, its owner and moderators see it, until it is shown again', async () => {
    const uploaded = await service.upload(ana);
    const moderator = await service.user('MODERATOR');
    const seen = async () => [
      await look(uploaded),
      await look(uploaded, ben),
      await look(uploaded, ana),
      await look(uploaded, moderator),
    ];
    await service.hear('media.moderated', { ...uploaded, action: 'hide', reason: 'spam' });
    expect(await seen()).toEqual([404, 404, 200, 200]);
    await service.hear('media.moderated', { ...uploaded, action: 'remove', reason: 'spam' });
    await service.hear('media.deleted', { ...uploaded, final: false, moderated: true });
    expect(await seen()).toEqual([404, 404, 404, 404]);
    await service.hear('media.restored', uploaded);
    await service.hear('media.moderated', { ...uploaded, action: 'restore', reason: 'a mistake' });
    expect(await seen()).toEqual([200, 200, 200, 200]);
  });
});

describe('media.updated', () => {
  test('moves the border of who may see, at once', async () => {
    const uploaded = await service.upload(ana);
    const { id } = await service.say(ben, uploaded);
    await service.hear('media.updated', { ...uploaded, visibility: 'private' });
    expect([await look(uploaded), await look(uploaded, ben), await look(uploaded, ana)]).toEqual([
      404, 404, 200,
    ]);
    expect((await service.call('DELETE', `/comments/${id}`, { as: ben })).status).toBe(404);
    await service.hear('media.updated', uploaded);
    expect(await look(uploaded)).toBe(200);
  });

  test('makes a media known whose upload was never heard of', async () => {
    const unheard = { ...(await service.upload(ana)), mediaId: Bun.randomUUIDv7() };
    await service.hear('media.updated', unheard);
    expect(await look(unheard)).toBe(200);
  });

  test('the new title is in the events that follow', async () => {
    const uploaded = await service.upload(ana);
    await service.hear('media.updated', { ...uploaded, title: 'Noon' });
    const { id } = await service.say(ben, uploaded);
    const [row] = await service.database.sql`select envelope from outbox where subject = ${`comment:${id}`}`;
    expect(JSON.parse(row?.envelope).data.mediaTitle).toBe('Noon');
  });
});

describe('media.deleted', () => {
  test('hides all that was said, for good, whatever comes late or again', async () => {
    const uploaded = await service.upload(ana);
    const { id } = await service.say(ben, uploaded);
    const reply = await service.say(ana, uploaded, 'Reply', id);
    const moderator = await service.user('MODERATOR');
    await service.hear('media.deleted', uploaded);
    const first = await heardOf(uploaded);
    await service.hear('media.updated', { ...uploaded, title: 'Late' });
    await service.hear('media.uploaded', uploaded);
    await service.hear('media.deleted', uploaded);
    expect(await heardOf(uploaded)).toEqual(first);
    for (const as of [ana, ben, moderator]) {
      expect(await look(uploaded, as)).toBe(404);
      for (const path of [`/comments/${id}`, `/comments/${id}/replies`, `/comments/${reply.id}`]) {
        expect((await service.call('GET', path, { as })).status).toBe(404);
      }
      const body = { mediaId: uploaded.mediaId, content: 'x' };
      expect((await service.call('POST', '/comments', { as, body })).body.code).toBe('media_not_found');
      const patched = await service.call('PATCH', `/comments/${id}`, { as, body: { content: 'x' } });
      expect(patched.status).toBe(404);
      expect((await service.call('DELETE', `/comments/${id}`, { as })).status).toBe(404);
    }
  });

  test('is remembered when it is all that was ever heard', async () => {
    const unheard = { ...(await service.upload(ana)), mediaId: Bun.randomUUIDv7() };
    await service.hear('media.deleted', unheard);
    await service.hear('media.uploaded', unheard);
    expect(await look(unheard)).toBe(404);
  });
});

test('events reach this service over a real stream, in order', async () => {
  const log = createLog('test', 'silent');
  // Any database with an outbox can play media.
  const producer = await createTestDatabase(MIGRATIONS);
  const carriers = await openCarriers({ EVENTS_DATABASE_URL: producer.url }, 'test', log);
  const { stream } = carriers;
  const { url, db } = service.database;
  const loops = [
    startRelay({ source: 'media', url: producer.url, sql: producer.sql, stream, log }),
    startReader({ source: 'media', reader: 'comments', url, db, stream, consumers, log }),
  ];
  const file = { kind: 'image' as const, mimeType: 'image/png', size: 1, sha256: '' };
  const facts = {
    mediaId: Bun.randomUUIDv7(),
    ownerId: ana.id,
    ownerUsername: ana.username,
    title: 'first',
    visibility: 'public' as const,
  };
  await producer.db.transaction((tx) =>
    announce(tx, { type: 'media.uploaded', actorId: ana.id, data: { ...facts, ...file } }),
  );
  for (const title of ['second', 'third']) {
    const data = { ...facts, title };
    await producer.db.transaction((tx) => announce(tx, { type: 'media.updated', actorId: ana.id, data }));
  }
  await eventually(async () => (await heardOf(facts))?.title === 'third');
  expect((await service.say(ben, facts, 'Heard')).content).toBe('Heard');
  await producer.db.transaction((tx) =>
    announce(tx, { type: 'media.deleted', actorId: ana.id, data: { ...facts, final: true } }),
  );
  await eventually(async () => (await look(facts)) === 404);
  await Promise.all(loops.map((loop) => loop.stop()));
  await carriers.close();
  await producer.drop();
});
