import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { sql } from 'drizzle-orm';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png } from '../testing/fixtures.ts';
import { tusClient } from '../testing/tus.ts';

let media: TestApp;
let ana: TestUser;
let ben: TestUser;
let moderator: TestUser;
beforeAll(async () => {
  media = await createTestApp();
  [ana, ben, moderator] = await Promise.all([media.user(), media.user(), media.user('MODERATOR')]);
});
afterAll(() => media.close());

const add = (values: Record<string, string> = {}) => tusClient(media, ana).upload(png(), values);
const report = (id: string, as: TestUser, body: unknown = { reason: 'spam' }, headers = {}) =>
  media.call('POST', `/media/${id}/reports`, { as, body, headers });
const moderate = (id: string, action: string, as: TestUser = moderator, headers = {}) =>
  media.call('POST', `/media/${id}/moderation`, { as, body: { action, reason: `to ${action}` }, headers });
const look = async (id: string, as?: TestUser) =>
  (await media.call('GET', `/media/${id}`, as === undefined ? {} : { as })).status;
const seen = async (id: string) => [
  await look(id),
  await look(id, ben),
  await look(id, ana),
  await look(id, moderator),
];
const log = async (id: string) =>
  (await media.call('GET', `/media/moderation/log?mediaId=${id}`, { as: moderator })).body.items;
const waiting = async (id: string) => {
  const { items } = (await media.call('GET', '/media/reports?limit=100', { as: moderator })).body;
  return items.find((item: { media: { id: string } }) => item.media.id === id);
};
const told = async (id: string, type: string) =>
  (await media.events()).filter((event) => event.type === type && event.data.mediaId === id);

describe('POST /media/{id}/reports', () => {
  test('202, once a user; at the threshold it is hidden until a moderator has decided', async () => {
    const id = await add();
    expect((await report(id, ben, { reason: 'abuse', note: 'look' })).status).toBe(202);
    expect((await report(id, ben, { reason: 'spam' })).status).toBe(202);
    await report(id, await media.user());
    expect(await waiting(id)).toMatchObject({ reports: 2, reasons: { abuse: 1, spam: 1 }, notes: ['look'] });
    expect(await seen(id)).toEqual([200, 200, 200, 200]);
    await report(id, await media.user());
    expect(await seen(id)).toEqual([404, 404, 200, 200]);
    expect((await media.call('GET', `/media/${id}`, { as: ana })).body).toMatchObject({ hidden: true });
    const shown = (await media.call('GET', `/media?owner=${ana.id}`)).body.items;
    expect(shown.map((item: { id: string }) => item.id)).not.toContain(id);
    expect(await told(id, 'media.moderated')).toMatchObject([{ actorId: null, data: { action: 'hide' } }]);
    expect(await told(id, 'media.reported')).toHaveLength(3);
    expect(await log(id)).toMatchObject([{ moderatorId: null, action: 'hide' }]);

    expect((await moderate(id, 'restore')).body).not.toHaveProperty('hidden');
    expect(await seen(id)).toEqual([200, 200, 200, 200]);
    expect(await waiting(id)).toBeUndefined();
    await report(id, ben);
    expect(await waiting(id)).toBeUndefined();
  });

  test('of twenty at once the first three count, and hide it once from the others', async () => {
    const id = await add();
    const people = await Promise.all(Array.from({ length: 20 }, () => media.user()));
    const statuses = (await Promise.all(people.map((one) => report(id, one)))).map(({ status }) => status);
    expect(statuses.sort()).toEqual([...Array(3).fill(202), ...Array(17).fill(404)]);
    expect((await waiting(id)).reports).toBe(3);
    expect(await told(id, 'media.moderated')).toHaveLength(1);
  });

  test('Idempotency-Key replays, and is refused with another body', async () => {
    const [id, key] = [await add(), { 'Idempotency-Key': 'one' }];
    await report(id, ben, { reason: 'other' }, key);
    const again = await report(id, ben, { reason: 'other' }, key);
    expect([again.status, again.headers.get('Idempotency-Replayed')]).toEqual([202, 'true']);
    expect((await report(id, ben, { reason: 'spam' }, key)).status).toBe(422);
  });

  test('401, 403 for one’s own, 404 for what one may not see, 422, 429', async () => {
    const id = await add();
    expect((await media.call('POST', `/media/${id}/reports`, { body: { reason: 'spam' } })).status).toBe(401);
    expect((await report(id, ana)).status).toBe(403);
    expect((await report(await add({ visibility: 'private' }), ben)).status).toBe(404);
    for (const body of [
      {},
      { reason: 'x' },
      { reason: 'spam', note: 'x'.repeat(1001) },
      { reason: 'spam', by: 1 },
    ]) {
      expect((await report(id, ben, body)).status).toBe(422);
    }
    const strict = await createTestApp({ REPORTS_PER_HOUR: '1', RATE_LIMIT_SCALE: '1' });
    const user = await strict.user();
    const once = () =>
      strict.call('POST', `/media/${Bun.randomUUIDv7()}/reports`, { as: user, body: { reason: 'spam' } });
    expect([(await once()).status, (await once()).status]).toEqual([404, 429]);
    await strict.close();
  });
});

describe('GET /media/reports', () => {
  test('the longest waiting first, page by page', async () => {
    const ids = [await add(), await add(), await add()];
    for (const id of ids.toReversed()) await report(id, ben);
    const all: string[] = [];
    let cursor = '';
    do {
      const { body } = await media.call('GET', `/media/reports?limit=2${cursor}`, { as: moderator });
      all.push(...body.items.map((item: { media: { id: string } }) => item.media.id));
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    expect(all.filter((id) => ids.includes(id))).toEqual(ids.toReversed());
    expect(new Set(all).size).toBe(all.length);
  });

  test('401, 403 to users, 400 for a cursor that is made up', async () => {
    expect((await media.call('GET', '/media/reports')).status).toBe(401);
    expect((await media.call('GET', '/media/reports', { as: ben })).status).toBe(403);
    expect((await media.call('GET', '/media/reports?cursor=eA', { as: moderator })).status).toBe(400);
  });
});

describe('POST /media/{id}/moderation', () => {
  test('hide: its owner learns why; restore: everybody sees it again', async () => {
    const id = await add();
    const { status, body } = await moderate(id, 'hide');
    expect([status, body.hidden, body.hiddenReason]).toEqual([200, true, 'to hide']);
    expect(await seen(id)).toEqual([404, 404, 200, 200]);
    expect((await media.call('GET', `/media/${id}/content`)).status).toBe(404);
    await moderate(id, 'restore');
    expect(await seen(id)).toEqual([200, 200, 200, 200]);
    expect((await log(id)).map(({ action }: { action: string }) => action)).toEqual(['restore', 'hide']);
    expect(await told(id, 'media.moderated')).toMatchObject([
      { actorId: moderator.id, data: { action: 'hide', reason: 'to hide' } },
      { data: { action: 'restore' } },
    ]);
  });

  test('remove: into the trash, whence its owner can’t take it, and moderators can', async () => {
    const id = await add();
    expect((await moderate(id, 'remove')).body.deletedAt).toBeString();
    expect(await seen(id)).toEqual([404, 404, 404, 404]);
    expect((await moderate(id, 'hide')).status).toBe(409);
    expect((await media.call('POST', `/media/${id}/restore`, { as: ana })).status).toBe(403);
    expect((await moderate(id, 'restore')).status).toBe(200);
    expect(await seen(id)).toEqual([200, 200, 200, 200]);
    expect(await told(id, 'media.deleted')).toMatchObject([{ data: { final: false, moderated: true } }]);
    expect(await told(id, 'media.restored')).toHaveLength(1);
  });

  test('dismissing reports tells its owner nothing', async () => {
    const id = await add();
    await report(id, ben);
    await moderate(id, 'restore');
    expect(await waiting(id)).toBeUndefined();
    expect(await told(id, 'media.moderated')).toEqual([]);
  });

  test('412 by a stale If-Match, 401, 403, 404, 422', async () => {
    const id = await add();
    expect((await moderate(id, 'hide', moderator, { 'If-Match': '"stale"' })).status).toBe(412);
    expect((await media.call('POST', `/media/${id}/moderation`, { body: {} })).status).toBe(401);
    expect((await moderate(id, 'hide', ana)).status).toBe(403);
    expect((await moderate(Bun.randomUUIDv7(), 'hide')).status).toBe(404);
    expect((await moderate(id, 'burn')).status).toBe(422);
    await media.call('DELETE', `/media/${id}`, { as: ana });
    expect((await moderate(id, 'restore')).status).toBe(404);
  });

  test('at once with its like, its change and its end: nothing breaks, and the log has each that was done', async () => {
    const id = await add();
    const answers = await Promise.all([
      ...['hide', 'restore', 'hide', 'remove', 'restore'].map((action) => moderate(id, action)),
      media.call('PUT', `/media/${id}/like`, { as: ana }),
      media.call('PATCH', `/media/${id}`, { as: ana, body: { title: 'x' } }),
    ]);
    const done = answers.slice(0, 5).filter(({ status }) => status === 200);
    expect(await log(id)).toHaveLength(done.length);
  });
});

describe('GET /media/moderation/log', () => {
  test('401, 403; what is in it can’t be changed, nor taken out', async () => {
    expect((await media.call('GET', '/media/moderation/log')).status).toBe(401);
    expect((await media.call('GET', '/media/moderation/log', { as: ana })).status).toBe(403);
    const id = await add();
    await moderate(id, 'hide');
    await media.call('DELETE', `/media/${id}?permanent=1`, { as: ana });
    expect(await log(id)).toHaveLength(1);
    const { db } = media.database;
    for (const change of [
      sql`delete from moderation_log`,
      sql`update moderation_log set reason = 'none'`,
      sql`truncate moderation_log`,
    ]) {
      expect(
        await db.execute(change).then(
          () => 'done',
          () => 'refused',
        ),
      ).toBe('refused');
    }
  });
});
