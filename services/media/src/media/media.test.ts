import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { removals } from '../db/schema.ts';
import { noteRemovals } from '../files/removals.repository.ts';
import { sweep } from '../files/removals.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png, wav } from '../testing/fixtures.ts';
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

const add = (owner: TestUser, values: Record<string, string> = {}, file = png()) =>
  tusClient(media, owner).upload(file, values);

const idsOf = (body: { items: { id: string }[] }) => body.items.map(({ id }) => id);

describe('GET /media', () => {
  let owner: TestUser;
  let shown: string[];
  let unlisted: string;
  let secret: string;
  beforeAll(async () => {
    owner = await media.user();
    shown = [await add(owner), await add(owner, {}, wav()), await add(owner)];
    unlisted = await add(owner, { visibility: 'unlisted' });
    secret = await add(owner, { visibility: 'private' });
  });
  const list = async (query: string, as?: TestUser) => {
    const { status, body } = await media.call('GET', `/media?${query}`, as === undefined ? {} : { as });
    expect(status).toBe(200);
    return body;
  };

  test('public ones to others, all to the owner and to moderators', async () => {
    const newest = shown.toReversed();
    expect(idsOf(await list(`owner=${owner.id}`))).toEqual(newest);
    expect(idsOf(await list(`owner=${owner.id}`, ana))).toEqual(newest);
    expect(idsOf(await list(`owner=${owner.id}`, owner))).toEqual([secret, unlisted, ...newest]);
    expect(idsOf(await list(`owner=${owner.id}`, moderator))).toEqual([secret, unlisted, ...newest]);
    expect(idsOf(await list('owner=me', owner))).toEqual([secret, unlisted, ...newest]);
  });

  test('filters by kind and visibility, sorted either way', async () => {
    expect(idsOf(await list(`owner=${owner.id}&kind=audio`))).toEqual([shown[1] ?? '']);
    expect(idsOf(await list('owner=me&visibility=private', owner))).toEqual([secret]);
    expect(idsOf(await list(`owner=${owner.id}&visibility=private`, ana))).toEqual([]);
    expect(idsOf(await list(`owner=${owner.id}&sort=oldest`))).toEqual(shown);
  });

  test('pages give each once, stable under inserts', async () => {
    for (const sort of ['newest', 'oldest']) {
      const seen: string[] = [];
      let cursor = '';
      do {
        const page = await list(`owner=${owner.id}&limit=2&sort=${sort}${cursor && `&cursor=${cursor}`}`);
        seen.push(...idsOf(page));
        cursor = page.nextCursor ?? '';
      } while (cursor !== '');
      expect(seen).toEqual(sort === 'newest' ? shown.toReversed() : shown);
    }
  });

  test('400 for bad pages, 422 for bad filters, 401 for `me` without a token', async () => {
    for (const query of [
      'limit=0',
      'limit=1e9',
      'limit=NaN',
      'limit=',
      'cursor=garbage',
      'limit=1&limit=2',
    ]) {
      const { status } = await media.call('GET', `/media?${query}`);
      expect([query, status]).toEqual([query, query === 'limit=1&limit=2' ? status : 400]);
      expect(status).toBeLessThan(500);
    }
    const { nextCursor } = await list(`owner=${owner.id}&limit=1`);
    expect((await media.call('GET', `/media?sort=oldest&cursor=${nextCursor}`)).status).toBe(400);
    for (const query of [
      'owner=nobody',
      'kind=text',
      'visibility=all',
      'sort=best',
      'tag=',
      `q=${'x'.repeat(201)}`,
    ]) {
      expect((await media.call('GET', `/media?${query}`)).status).toBe(422);
    }
    expect((await media.call('GET', '/media?owner=me')).status).toBe(401);
  });
});

describe('GET /media/{id}', () => {
  test('200 with ETag, then 304', async () => {
    const id = await add(ana);
    const { status, headers } = await media.call('GET', `/media/${id}`);
    expect(status).toBe(200);
    const etag = headers.get('ETag') ?? '';
    const again = await media.call('GET', `/media/${id}`, { headers: { 'If-None-Match': etag } });
    expect([again.status, again.body]).toEqual([304, '']);
  });

  test('unlisted is seen by its id; private is 404 to all but owner and moderators', async () => {
    const unlisted = await add(ana, { visibility: 'unlisted' });
    expect((await media.call('GET', `/media/${unlisted}`)).status).toBe(200);
    const secret = await add(ana, { visibility: 'private' });
    expect((await media.call('GET', `/media/${secret}`)).status).toBe(404);
    expect((await media.call('GET', `/media/${secret}`, { as: ben })).status).toBe(404);
    expect((await media.call('GET', `/media/${secret}`, { as: ana })).status).toBe(200);
    expect((await media.call('GET', `/media/${secret}`, { as: moderator })).status).toBe(200);
  });

  test('404 for none, 401 for a bad token', async () => {
    expect((await media.call('GET', `/media/${Bun.randomUUIDv7()}`)).status).toBe(404);
    expect((await media.call('GET', '/media/1')).status).toBe(404);
    const headers = { Authorization: 'Bearer a.b.c' };
    expect((await media.call('GET', `/media/${await add(ana)}`, { headers })).status).toBe(401);
  });
});

describe('PATCH /media/{id}', () => {
  const change = (id: string, as: TestUser, body: unknown, headers: Record<string, string> = {}) =>
    media.call('PATCH', `/media/${id}`, { as, body, headers });

  test('200 with the change, a new ETag, and its event', async () => {
    const id = await add(ana, { title: 'before', description: 'kept' });
    const before = (await media.call('GET', `/media/${id}`)).headers.get('ETag');
    const { status, body, headers } = await change(id, ana, {
      title: ' after ',
      tags: ['a', 'b', 'a'],
      visibility: 'private',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      title: 'after',
      description: 'kept',
      tags: ['a', 'b'],
      visibility: 'private',
    });
    expect(headers.get('ETag')).not.toBe(before);
    const event = (await media.events()).at(-1);
    expect(event).toMatchObject({
      type: 'media.updated',
      subject: `media:${id}`,
      actorId: ana.id,
      data: { mediaId: id, ownerId: ana.id, title: 'after', visibility: 'private' },
    });
  });

  test('If-Match: 412 when it has changed, once among many at the same time', async () => {
    const id = await add(ana);
    const etag = (await media.call('GET', `/media/${id}`)).headers.get('ETag') ?? '';
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, n) => change(id, ana, { title: `t${n}` }, { 'If-Match': etag })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412]);
  });

  test('an empty change changes and announces nothing', async () => {
    const id = await add(ana);
    const before = (await media.events()).length;
    expect((await change(id, ana, {})).status).toBe(200);
    expect(await media.events()).toHaveLength(before);
  });

  test('403 to others who see it, moderators included; 404 when hidden; 401 without a token', async () => {
    const id = await add(ana);
    expect((await change(id, ben, { title: 'x' })).status).toBe(403);
    expect((await change(id, moderator, { title: 'x' })).status).toBe(403);
    const secret = await add(ana, { visibility: 'private' });
    expect((await change(secret, ben, { title: 'x' })).status).toBe(404);
    expect((await media.call('PATCH', `/media/${id}`, { body: {} })).status).toBe(401);
  });

  test.each([
    [{ ownerId: 'x' }],
    [{ title: '' }],
    [{ title: 1 }],
    [{ tags: ['x'.repeat(51)] }],
    [{ tags: 'a,b' }],
    [{ visibility: 'secret' }],
    [{ status: 'failed' }],
  ])('422 for %p', async (body) => {
    expect((await change(await add(ana), ana, body)).status).toBe(422);
  });

  test('400 for broken JSON', async () => {
    const id = await add(ana);
    const headers = { 'Content-Type': 'application/json' };
    expect((await media.call('PATCH', `/media/${id}`, { as: ana, body: '{', headers })).status).toBe(400);
  });
});

describe('DELETE /media/{id}', () => {
  const remove = (id: string, as: TestUser, headers: Record<string, string> = {}) =>
    media.call('DELETE', `/media/${id}`, { as, headers });

  test('204, for good: row, bytes, and the upload’s link are gone; its event names who did it', async () => {
    const before = await media.files();
    const tus = tusClient(media, ana);
    const path = await tus.start(png().length);
    const id = (await tus.patch(path, 0, png())).headers.get('Media-Id') ?? '';
    expect((await remove(`${id}?permanent=1`, moderator)).status).toBe(204);
    expect((await media.call('GET', `/media/${id}`, { as: ana })).status).toBe(404);
    expect((await media.call('GET', `/media/${id}/content`, { as: ana })).status).toBe(404);
    expect((await tus.head(path)).status).toBe(404);
    expect(await media.files()).toEqual(before);
    expect((await media.events()).at(-1)).toMatchObject({
      type: 'media.deleted',
      subject: `media:${id}`,
      actorId: moderator.id,
      data: { ownerId: ana.id, final: true, trashed: false },
    });
    expect((await remove(id, ana)).status).toBe(404);
  });

  test('412 by a stale If-Match, 403 to others, 404 when hidden, 401 without a token', async () => {
    const id = await add(ana);
    expect((await remove(id, ana, { 'If-Match': '"stale"' })).status).toBe(412);
    expect((await remove(id, ben)).status).toBe(403);
    const secret = await add(ana, { visibility: 'private' });
    expect((await remove(secret, ben)).status).toBe(404);
    expect((await media.call('DELETE', `/media/${id}`)).status).toBe(401);
    expect((await media.call('GET', `/media/${id}`)).status).toBe(200);
  });

  test('twenty at once: one event', async () => {
    const id = await add(ana);
    const answers = await Promise.all(Array.from({ length: 20 }, () => remove(id, ana)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 404)).toHaveLength(19);
    const told = (await media.events()).filter(
      ({ type, data }) => type === 'media.deleted' && data.mediaId === id,
    );
    expect(told).toHaveLength(1);
  });

  test('a blob that a killed process left is swept', async () => {
    const id = await add(ana);
    const row = await media.deps.findMedia(id);
    if (row === undefined) throw new Error('absent');
    await noteRemovals(media.database.db, [{ place: 'blob', key: row.blobKey }]);
    await sweep(media.deps);
    expect(await media.deps.blobs.size(row.blobKey)).toBeUndefined();
    expect(await media.database.db.select().from(removals)).toEqual([]);
    expect((await media.call('GET', `/media/${id}/content`)).status).toBe(404);
  });
});

describe('GET /openapi.json', () => {
  test('tells every route, tus included', async () => {
    const { body } = await media.call('GET', '/openapi.json');
    expect(Object.keys(body.paths['/media/uploads'])).toEqual(expect.arrayContaining(['options', 'post']));
    expect(Object.keys(body.paths['/media/uploads/{id}']).sort()).toEqual([
      'delete',
      'head',
      'options',
      'patch',
      'post',
    ]);
    expect(Object.keys(body.paths['/media/{id}/content']).sort()).toEqual(['get', 'head']);
    expect(body.paths['/media'].post.requestBody.content['multipart/form-data'].schema.required).toEqual([
      'file',
    ]);
    expect(body.paths['/media/uploads/{id}'].patch.responses['204'].headers['Media-Id']).toBeDefined();
  });
});
