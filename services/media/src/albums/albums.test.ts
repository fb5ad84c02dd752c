import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq } from 'drizzle-orm';
import { albumItems, media as mediaTable } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { MAX_ITEMS } from './albums.service.ts';

let media: TestApp;
let ana: TestUser;
let ben: TestUser;
let moderator: TestUser;
beforeAll(async () => {
  media = await createTestApp();
  [ana, ben, moderator] = await Promise.all([media.user(), media.user(), media.user('MODERATOR')]);
});
afterAll(() => media.close());

/** Media without bytes: albums do not look at those. */
async function add(owner: TestUser, count: number, values: Partial<typeof mediaTable.$inferInsert> = {}) {
  const all = Array.from({ length: count }, () => ({
    ...{ id: Bun.randomUUIDv7(), ownerId: owner.id, ownerUsername: owner.username },
    ...{ filename: 'a.png', title: 'Untitled', blobKey: Bun.randomUUIDv7(), kind: 'image' as const },
    ...{ mimeType: 'image/png', size: 1, sha256: 'x', ...values },
  }));
  await media.database.db.insert(mediaTable).values(all);
  return all.map(({ id }) => id);
}

const make = async (as: TestUser, body: object = {}) =>
  (await media.call('POST', '/albums', { as, body: { title: 'Album', ...body } })).body;
const put = (album: string, item: string, as: TestUser, body?: unknown, headers = {}) =>
  media.call('PUT', `/albums/${album}/items/${item}`, {
    as,
    headers,
    ...(body === undefined ? {} : { body }),
  });
const take = (album: string, item: string, as: TestUser) =>
  media.call('DELETE', `/albums/${album}/items/${item}`, { as });
const get = (path: string, as?: TestUser) => media.call('GET', path, as === undefined ? {} : { as });

/** What is in an album, over all pages. */
async function itemsOf(album: string, as?: TestUser, limit = 100): Promise<string[]> {
  const ids: string[] = [];
  let cursor = '';
  do {
    const { body } = await get(`/albums/${album}/items?limit=${limit}${cursor}`, as);
    ids.push(...body.items.map(({ id }: { id: string }) => id));
    cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
  } while (cursor !== '');
  return ids;
}

describe('POST /albums', () => {
  test('201 with Location and ETag; Idempotency-Key makes one', async () => {
    const headers = { 'Idempotency-Key': 'once' };
    const send = (title: string) => media.call('POST', '/albums', { as: ana, body: { title }, headers });
    const [first, again] = [await send(' Year '), await send(' Year ')];
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      title: 'Year',
      description: '',
      visibility: 'public',
      ownerId: ana.id,
    });
    expect(first.headers.get('Location')).toBe(`/albums/${first.body.id}`);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('Idempotency-Replayed')).toBe('true');
    expect((await send('Other')).status).toBe(422);
    const read = await get(`/albums/${first.body.id}`);
    expect(read.headers.get('ETag')).toBe(first.headers.get('ETag'));
  });

  test('401, 422, 429', async () => {
    expect((await media.call('POST', '/albums', { body: { title: 'x' } })).status).toBe(401);
    for (const body of [{}, { title: ' ' }, { title: 'x', visibility: 'all' }, { title: 'x', items: [] }]) {
      expect((await media.call('POST', '/albums', { as: ana, body })).status).toBe(422);
    }
    const strict = await createTestApp({ ALBUM_CHANGES_PER_MINUTE: '1', RATE_LIMIT_SCALE: '1' });
    const user = await strict.user();
    const once = () => strict.call('POST', '/albums', { as: user, body: { title: 'x' } });
    expect([(await once()).status, (await once()).status]).toEqual([201, 429]);
    await strict.close();
  });
});

describe('GET /albums', () => {
  test('public ones to all, all of an owner to that owner and to moderators, page by page', async () => {
    const owner = await media.user();
    const ids: string[] = [];
    for (const visibility of ['public', 'unlisted', 'private', 'public']) {
      ids.push((await make(owner, { visibility })).id);
    }
    const list = async (query: string, as?: TestUser) =>
      (await get(`/albums?${query}`, as)).body.items.map(({ id }: { id: string }) => id);
    expect(await list(`owner=${owner.id}`)).toEqual([ids[3], ids[0]]);
    expect(await list(`owner=${owner.id}`, ben)).toEqual([ids[3], ids[0]]);
    expect(await list('owner=me', owner)).toEqual(ids.toReversed());
    expect(await list(`owner=${owner.id}`, moderator)).toEqual(ids.toReversed());
    expect((await list('limit=100')).filter((id: string) => ids.includes(id))).toEqual([ids[3], ids[0]]);
    const { nextCursor } = (await get('/albums?owner=me&limit=1', owner)).body;
    expect(await list(`owner=me&limit=1&cursor=${nextCursor}`, owner)).toEqual([ids[2]]);
    expect((await get(`/albums?cursor=${nextCursor}`)).status).toBe(400);
    expect((await get('/albums?owner=me')).status).toBe(401);
  });
});

describe('an album', () => {
  test('private is 404 to all but owner and moderators, items too; unlisted is seen by its id', async () => {
    const { id } = await make(ana, { visibility: 'private' });
    for (const path of [`/albums/${id}`, `/albums/${id}/items`]) {
      const seen = [await get(path), await get(path, ben), await get(path, ana), await get(path, moderator)];
      expect(seen.map(({ status }) => status)).toEqual([404, 404, 200, 200]);
    }
    const unlisted = await make(ana, { visibility: 'unlisted' });
    expect((await get(`/albums/${unlisted.id}`)).status).toBe(200);
    expect((await get(`/albums/${Bun.randomUUIDv7()}`)).status).toBe(404);
  });

  test('PATCH and DELETE: its owner, by If-Match; a moderator may delete; the media stay', async () => {
    const { id } = await make(ana);
    const [item = ''] = await add(ana, 1);
    await put(id, item, ana);
    const path = `/albums/${id}`;
    const etag = (await get(path)).headers.get('ETag') ?? '';
    const unchanged = await media.call('GET', path, { headers: { 'If-None-Match': etag } });
    expect(unchanged.status).toBe(304);
    const change = (as: TestUser, body: unknown, headers = {}) =>
      media.call('PATCH', path, { as, body, headers });
    expect((await change(ben, { title: 'x' })).status).toBe(403);
    expect((await change(moderator, { title: 'x' })).status).toBe(403);
    expect((await change(ana, { title: 'Two' }, { 'If-Match': etag })).body.title).toBe('Two');
    expect((await change(ana, { title: 'Three' }, { 'If-Match': etag })).status).toBe(412);
    expect((await change(ana, { title: '' })).status).toBe(422);
    expect((await media.call('PATCH', path, { body: {} })).status).toBe(401);
    const remove = (as: TestUser, headers = {}) => media.call('DELETE', path, { as, headers });
    expect((await remove(ben)).status).toBe(403);
    expect((await remove(ana, { 'If-Match': etag })).status).toBe(412);
    expect((await media.call('DELETE', path)).status).toBe(401);
    expect((await remove(moderator)).status).toBe(204);
    expect((await remove(ana)).status).toBe(404);
    expect((await get(`/media/${item}`)).status).toBe(200);
  });
});

describe('items', () => {
  test('added last, first or after another, moved likewise, and pages follow that order', async () => {
    const { id } = await make(ana);
    const [a = '', b = '', c = '', d = ''] = await add(ana, 4);
    await put(id, a, ana);
    await put(id, b, ana, {});
    await put(id, c, ana, { after: null });
    expect((await put(id, d, ana, { after: a })).status).toBe(200);
    expect(await itemsOf(id)).toEqual([c, a, d, b]);
    expect(await itemsOf(id, undefined, 1)).toEqual([c, a, d, b]);
    await put(id, c, ana, { after: b });
    await put(id, b, ana, { after: null });
    await put(id, a, ana);
    expect(await itemsOf(id)).toEqual([b, a, d, c]);
    await put(id, a, ana, { after: b });
    await put(id, a, ana, { after: a });
    expect(await itemsOf(id)).toEqual([b, a, d, c]);
    expect((await take(id, a, ana)).status).toBe(204);
    expect((await take(id, a, ana)).status).toBe(404);
    expect(await itemsOf(id)).toEqual([b, d, c]);
  });

  test('a hundred between the same two: room is made, and the order holds', async () => {
    const { id } = await make(ana);
    const [first = '', last = '', ...between] = await add(ana, 102);
    await put(id, first, ana);
    await put(id, last, ana);
    for (const item of between) expect((await put(id, item, ana, { after: first })).status).toBe(200);
    expect(await itemsOf(id)).toEqual([first, ...between.toReversed(), last]);
  });

  test('put at once, all are there, each at a place of its own', async () => {
    const { id } = await make(ana);
    const some = await add(ana, 20);
    await Promise.all(some.map((item) => put(id, item, ana, { after: null })));
    expect((await itemsOf(id)).toSorted()).toEqual(some.toSorted());
    const rows = await media.database.db.select().from(albumItems).where(eq(albumItems.albumId, id));
    expect(new Set(rows.map(({ position }) => position)).size).toBe(20);
  });

  test('what one may not see of them is in no page, however the album is shown', async () => {
    const { id } = await make(ana);
    const [open = ''] = await add(ana, 1);
    const [secret = ''] = await add(ana, 1, { visibility: 'private' });
    const [hidden = ''] = await add(ana, 1, { hiddenAt: new Date() });
    const [others = ''] = await add(ben, 1);
    for (const item of [secret, hidden, open, others]) expect((await put(id, item, ana)).status).toBe(200);
    expect(await itemsOf(id)).toEqual([open, others]);
    expect(await itemsOf(id, ben, 1)).toEqual([open, others]);
    expect(await itemsOf(id, ana, 1)).toEqual([secret, hidden, open, others]);
    expect(await itemsOf(id, moderator)).toEqual([secret, hidden, open, others]);
    await media.call('PATCH', `/media/${others}`, { as: ben, body: { visibility: 'private' } });
    expect(await itemsOf(id, ana)).toEqual([secret, hidden, open]);
    expect(await itemsOf(id, ben)).toEqual([open, others]);
    await media.call('DELETE', `/media/${open}`, { as: ana });
    expect(await itemsOf(id)).toEqual([]);
  });

  test('404 for what the owner may not see, or is not in it; 403 to others; 401; 412; 422', async () => {
    const { id } = await make(ana);
    const [secret = ''] = await add(ben, 1, { visibility: 'private' });
    const [open = ''] = await add(ben, 1);
    expect((await put(id, secret, ana)).status).toBe(404);
    expect((await put(id, Bun.randomUUIDv7(), ana)).status).toBe(404);
    expect((await put(id, 'x', ana)).status).toBe(404);
    expect((await put(id, open, ana, { after: Bun.randomUUIDv7() })).status).toBe(404);
    expect((await put(id, open, ben)).status).toBe(403);
    expect((await put(id, open, ana, { before: open })).status).toBe(422);
    expect((await put(id, open, ana, {}, { 'If-Match': '"stale"' })).status).toBe(412);
    expect((await media.call('PUT', `/albums/${id}/items/${open}`)).status).toBe(401);
    expect((await take(id, open, ben)).status).toBe(403);
    expect((await media.call('DELETE', `/albums/${id}/items/${open}`)).status).toBe(401);
    expect((await get(`/albums/${id}/items?cursor=eA`)).status).toBe(400);
    expect(await itemsOf(id)).toEqual([]);
  });

  test('409 when it is full; what is in it can still be moved', async () => {
    const { id } = await make(ana);
    const [one = ''] = await add(ana, 1);
    await put(id, one, ana);
    await media.database.sql`
      with made as (
        insert into media (id, owner_id, owner_username, filename, title, blob_key, kind, mime_type, size, sha256)
        select gen_random_uuid(), owner_id, owner_username, filename, title, 'k' || n, kind, mime_type, size, sha256
        from media, generate_series(1, ${MAX_ITEMS - 1}) as n where id = ${one} returning id)
      insert into album_items (album_id, media_id, position) select ${id}::uuid, id, -1 from made`;
    const [more = ''] = await add(ana, 1);
    expect((await put(id, more, ana)).status).toBe(409);
    expect((await put(id, one, ana, { after: null })).status).toBe(200);
    expect((await get(`/albums/${id}/items?limit=1`)).body.items[0].id).toBe(one);
  });
});
