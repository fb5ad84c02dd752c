import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png } from '../testing/fixtures.ts';
import { tusClient } from '../testing/tus.ts';

let media: TestApp;
let ana: TestUser;
let ben: TestUser;
beforeAll(async () => {
  media = await createTestApp();
  [ana, ben] = await Promise.all([media.user(), media.user()]);
});
afterAll(() => media.close());

const add = (values: Record<string, string> = {}) => tusClient(media, ana).upload(png(), values);
const like = (id: string, as: TestUser) => media.call('PUT', `/media/${id}/like`, { as });
const unlike = (id: string, as: TestUser) => media.call('DELETE', `/media/${id}/like`, { as });
const get = async (id: string, as?: TestUser) =>
  (await media.call('GET', `/media/${id}`, as === undefined ? {} : { as })).body;
const told = async (id: string) =>
  (await media.events()).filter(({ type, data }) => type === 'media.liked' && data.mediaId === id);

describe('PUT and DELETE /media/{id}/like', () => {
  test('204, however often; one counts, is told once, and its giver sees it', async () => {
    const id = await add();
    const before = (await media.call('GET', `/media/${id}`, { as: ben })).headers.get('ETag');
    for (let n = 0; n < 3; n++) expect((await like(id, ben)).status).toBe(204);
    expect(await get(id, ben)).toMatchObject({ likes: 1, liked: true });
    expect(await get(id, ana)).toMatchObject({ likes: 1, liked: false });
    expect(await get(id)).not.toHaveProperty('liked');
    const after = await media.call('GET', `/media/${id}`, {
      as: ben,
      headers: { 'If-None-Match': before ?? '' },
    });
    expect(after.status).toBe(200);
    const list = (await media.call('GET', `/media?owner=${ana.id}`, { as: ben })).body;
    expect(list.items.find((item: { id: string }) => item.id === id)).toMatchObject({ liked: true });
    expect(await told(id)).toMatchObject([
      { actorId: ben.id, data: { ownerId: ana.id, userId: ben.id, likes: 1 } },
    ]);
    for (let n = 0; n < 2; n++) expect((await unlike(id, ben)).status).toBe(204);
    expect(await get(id, ben)).toMatchObject({ likes: 0, liked: false });
  });

  test('one’s own counts and is not told', async () => {
    const id = await add();
    await like(id, ana);
    expect((await get(id)).likes).toBe(1);
    expect(await told(id)).toEqual([]);
  });

  test('50 at once, some taken back, are counted exactly', async () => {
    const id = await add();
    const people = await Promise.all(Array.from({ length: 50 }, () => media.user()));
    await Promise.all(people.flatMap((one) => [like(id, one), like(id, one)]));
    expect((await get(id)).likes).toBe(50);
    await Promise.all(
      people.flatMap((one, n) => (n % 2 === 0 ? [unlike(id, one), unlike(id, one)] : [like(id, one)])),
    );
    expect((await get(id)).likes).toBe(25);
  });

  test('404 for what one may not see, 401 without a token', async () => {
    const secret = await add({ visibility: 'private' });
    expect((await like(secret, ben)).status).toBe(404);
    expect((await unlike(secret, ben)).status).toBe(404);
    expect((await like(Bun.randomUUIDv7(), ben)).status).toBe(404);
    expect((await media.call('PUT', `/media/${secret}/like`)).status).toBe(401);
    expect((await media.call('DELETE', `/media/${secret}/like`)).status).toBe(401);
  });

  test('429 beyond the limit', async () => {
    const strict = await createTestApp({ LIKES_PER_MINUTE: '1', RATE_LIMIT_SCALE: '1' });
    const user = await strict.user();
    const path = `/media/${Bun.randomUUIDv7()}/like`;
    expect((await strict.call('PUT', path, { as: user })).status).toBe(404);
    expect((await strict.call('PUT', path, { as: user })).status).toBe(429);
    await strict.close();
  });
});
