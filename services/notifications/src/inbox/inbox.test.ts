import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { and, eq } from 'drizzle-orm';
import { notifications, streamEntries, streams } from '../db/schema.ts';
import { userChannel } from '../streams/streams.repository.ts';
import { createTestApp, type TestApp } from '../test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

const someone = () => app.tokens.user();

describe('GET /notifications', () => {
  test('200, newest first, each once over all pages, only one’s own', async () => {
    const [a, b] = [await someone(), await someone()];
    for (let n = 1; n <= 7; n++) await app.tell(a.id, `film ${n}`);
    await app.tell(b.id, 'not for A');
    const titles: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { status, body } = await app.call('GET', `/notifications?limit=3${query}`, { as: a });
      expect(status).toBe(200);
      titles.push(...body.items.map(({ message }: { message: string }) => message));
      cursor = body.nextCursor;
    }
    expect(titles).toEqual([7, 6, 5, 4, 3, 2, 1].map((n) => `“film ${n}” is online.`));
  });

  test('has the fields of the contract, and a filter for each of its parameters', async () => {
    const a = await someone();
    await app.tell(a.id);
    const { body } = await app.call(
      'GET',
      '/notifications?unread=true&type=upload_completed&priority=medium',
      { as: a },
    );
    expect(body.items).toHaveLength(1);
    expect(Object.keys(body.items[0]).sort()).toEqual([
      'createdAt',
      'data',
      'id',
      'message',
      'offset',
      'priority',
      'read',
      'title',
      'type',
    ]);
    for (const query of [
      'unread=false',
      'type=new_comment',
      'priority=high',
      'to=2020-01-01T00:00:00Z',
      'from=2100-01-01T00:00:00Z',
    ]) {
      expect((await app.call('GET', `/notifications?${query}`, { as: a })).body.items).toEqual([]);
    }
  });

  test('401 for nobody, 400 for bad pages and another’s cursor, 422 for bad filters', async () => {
    const [a, b] = [await someone(), await someone()];
    for (let n = 0; n < 3; n++) await app.tell(a.id);
    const { nextCursor } = (await app.call('GET', '/notifications?limit=1', { as: a })).body;
    expect((await app.call('GET', '/notifications')).status).toBe(401);
    for (const query of ['limit=0', 'limit=1e9', 'limit=NaN', 'limit=[]', 'limit=1&limit=2', 'cursor=x']) {
      expect((await app.call('GET', `/notifications?${query}`, { as: a })).status).toBe(400);
    }
    expect((await app.call('GET', `/notifications?cursor=${nextCursor}`, { as: b })).status).toBe(400);
    for (const query of ['unread=maybe', 'type=nonsense', 'from=yesterday']) {
      expect((await app.call('GET', `/notifications?${query}`, { as: a })).status).toBe(422);
    }
  });
});

describe('reading', () => {
  test('POST /notifications/read by ids, up to an offset, and all', async () => {
    const a = await someone();
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) ids.push(JSON.parse((await app.tell(a.id)).data).notification.id);
    const mark = async (body: unknown) =>
      (await app.call('POST', '/notifications/read', { as: a, body })).body;
    expect(await mark({ ids: [ids[0], ids[1]] })).toEqual({ updated: 2, unread: 4 });
    expect(await mark({ ids: [ids[0]] })).toEqual({ updated: 0, unread: 4 });
    expect(await mark({ upTo: 4 })).toEqual({ updated: 2, unread: 2 });
    expect(await mark({ all: true })).toEqual({ updated: 2, unread: 0 });
    expect((await app.call('GET', '/notifications/unread-count', { as: a })).body).toEqual({ unread: 0 });
  });

  test('another’s notification can be neither seen, read nor deleted', async () => {
    const [a, b] = [await someone(), await someone()];
    const { id } = JSON.parse((await app.tell(a.id)).data).notification;
    expect((await app.call('GET', `/notifications/${id}`, { as: b })).status).toBe(404);
    expect((await app.call('PATCH', `/notifications/${id}`, { as: b, body: { read: true } })).status).toBe(
      404,
    );
    expect((await app.call('DELETE', `/notifications/${id}`, { as: b })).status).toBe(404);
    expect((await app.call('POST', '/notifications/read', { as: b, body: { ids: [id] } })).body.updated).toBe(
      0,
    );
    expect((await app.call('GET', '/notifications/unread-count', { as: a })).body.unread).toBe(1);
  });

  test('PATCH marks read and unread again; GET has an entity tag', async () => {
    const a = await someone();
    const { id } = JSON.parse((await app.tell(a.id)).data).notification;
    const path = `/notifications/${id}`;
    expect((await app.call('PATCH', path, { as: a, body: { read: true } })).body.read).toBe(true);
    const etag = (await app.call('GET', path, { as: a })).headers.get('ETag') ?? '';
    expect((await app.call('GET', path, { as: a, headers: { 'If-None-Match': etag } })).status).toBe(304);
    const again = await app.call('PATCH', path, { as: a, body: { read: false } });
    expect(again.body).toMatchObject({ read: false, offset: 3 });
    expect((await app.call('GET', '/notifications/unread-count', { as: a })).body.unread).toBe(1);
  });

  test('DELETE: 204, then 404; what was published of it is withdrawn', async () => {
    const a = await someone();
    const { offset, data } = await app.tell(a.id);
    const path = `/notifications/${JSON.parse(data).notification.id}`;
    expect((await app.call('DELETE', path, { as: a })).status).toBe(204);
    expect((await app.call('DELETE', path, { as: a })).status).toBe(404);
    const where = and(eq(streamEntries.channel, userChannel(a.id)), eq(streamEntries.entryOffset, offset));
    const [entry] = await app.database.db.select().from(streamEntries).where(where);
    expect(entry?.data).toBe('{"kind":"void"}');
    expect((await app.call('GET', '/notifications/unread-count', { as: a })).body.unread).toBe(0);
  });

  test('422 for what selects nothing clearly', async () => {
    const a = await someone();
    for (const body of [
      {},
      { all: false },
      { ids: [] },
      { ids: ['x'] },
      { upTo: -1 },
      { all: true, upTo: 3 },
      { upTo: 1.5 },
    ]) {
      expect((await app.call('POST', '/notifications/read', { as: a, body })).status).toBe(422);
    }
    expect((await app.call('POST', '/notifications/read', { body: { all: true } })).status).toBe(401);
  });

  test('300 random acts at once leave the count equal to a recount, and offsets without a gap', async () => {
    const a = await someone();
    const acts = Array.from({ length: 300 }, (_, n) => async () => {
      if (n % 3 !== 0) return app.tell(a.id);
      if (n % 2 === 0) return app.call('POST', '/notifications/read', { as: a, body: { upTo: n } });
      const { body } = await app.call('GET', '/notifications?limit=5', { as: a });
      const { id } = body.items[n % 5] ?? { id: Bun.randomUUIDv7() };
      return n % 9 === 0
        ? app.call('DELETE', `/notifications/${id}`, { as: a })
        : app.call('PATCH', `/notifications/${id}`, { as: a, body: { read: n % 4 === 1 } });
    });
    await Promise.all(acts.map((act) => act()));
    const { db } = app.database;
    const unread = await db.$count(
      notifications,
      and(eq(notifications.userId, a.id), eq(notifications.read, false)),
    );
    const [stream] = await db
      .select()
      .from(streams)
      .where(eq(streams.channel, userChannel(a.id)));
    expect(stream?.unread).toBe(unread);
    const entries = await db
      .select()
      .from(streamEntries)
      .where(eq(streamEntries.channel, userChannel(a.id)));
    const offsets = entries.map(({ entryOffset }) => entryOffset).sort((x, y) => x - y);
    expect(offsets).toEqual(Array.from({ length: stream?.lastOffset ?? 0 }, (_, at) => at + 1));
  });
});
