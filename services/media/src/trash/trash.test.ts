import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq, sql } from 'drizzle-orm';
import { media as mediaTable } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png } from '../testing/fixtures.ts';
import { tusClient } from '../testing/tus.ts';
import { emptyTrash } from './trash.service.ts';

let media: TestApp;
let ana: TestUser;
let ben: TestUser;
let moderator: TestUser;
beforeAll(async () => {
  media = await createTestApp();
  [ana, ben, moderator] = await Promise.all([media.user(), media.user(), media.user('MODERATOR')]);
});
afterAll(() => media.close());

let fill = 0;
/** Bytes of its own each, so that what remains of them can be told apart. */
const add = (owner = ana, values: Record<string, string> = {}) =>
  tusClient(media, owner).upload(png(++fill), values);
const remove = (id: string, as: TestUser, query = '') => media.call('DELETE', `/media/${id}${query}`, { as });
const restore = (id: string, as: TestUser, headers = {}) =>
  media.call('POST', `/media/${id}/restore`, { as, headers });
const trash = async (as: TestUser) => (await media.call('GET', '/media/trash?limit=100', { as })).body.items;
const idsOf = (items: { id: string }[]) => items.map(({ id }) => id);
const told = async (id: string) =>
  (await media.events())
    .filter(({ data }) => data.mediaId === id)
    .map(({ type, data }) => (type === 'media.deleted' ? `${type} ${data.final}` : type));
const age = (id: string, days: number) =>
  media.database.db
    .update(mediaTable)
    .set({ deletedAt: sql`now() - ${days}::int * interval '1 day'` })
    .where(eq(mediaTable.id, id));

describe('the trash', () => {
  test('nobody sees what is in it, its owner finds it there, and has it back as it was', async () => {
    const id = await add(ana, { title: 'Kept', tags: 'a,b' });
    const before = (await media.call('GET', `/media/${id}`, { as: ana })).body;
    expect((await remove(id, ana)).status).toBe(204);
    for (const as of [ana, ben, moderator]) {
      for (const path of [`/media/${id}`, `/media/${id}/content`]) {
        expect((await media.call('GET', path, { as })).status).toBe(404);
      }
      expect(idsOf((await media.call('GET', `/media?owner=${ana.id}`, { as })).body.items)).not.toContain(id);
      expect((await media.call('PUT', `/media/${id}/like`, { as })).status).toBe(404);
    }
    expect((await media.call('PATCH', `/media/${id}`, { as: ana, body: { title: 'x' } })).status).toBe(404);
    expect((await remove(id, ana)).status).toBe(404);
    expect(await trash(ana)).toMatchObject([{ id, title: 'Kept', deletedAt: expect.any(String) }]);
    expect(await trash(ben)).toEqual([]);

    for (const as of [ben, moderator]) expect((await restore(id, as)).status).toBe(404);
    const { status, body } = await restore(id, ana);
    expect(status).toBe(200);
    expect({ ...body, updatedAt: before.updatedAt }).toEqual(before);
    expect((await media.call('GET', `/media/${id}/content`)).status).toBe(200);
    expect(await told(id)).toEqual(['media.uploaded', 'media.deleted false', 'media.restored']);
  });

  test('newest deleted first, page by page', async () => {
    const user = await media.user();
    const ids = [await add(user), await add(user), await add(user)];
    for (const id of ids) await remove(id, user);
    const first = (await media.call('GET', '/media/trash?limit=2', { as: user })).body;
    const rest = (await media.call('GET', `/media/trash?limit=2&cursor=${first.nextCursor}`, { as: user }))
      .body;
    expect([...idsOf(first.items), ...idsOf(rest.items)]).toEqual(ids.toReversed());
    expect(rest.nextCursor).toBeNull();
    expect((await media.call('GET', '/media/trash?cursor=eA', { as: user })).status).toBe(400);
    expect((await media.call('GET', '/media/trash')).status).toBe(401);
  });

  test('for good from the trash, or past it, by its owner alone or a moderator', async () => {
    const [trashed, whole, removed] = [await add(), await add(), await add()];
    const files = (await media.files()).length;
    await remove(trashed, ana);
    expect((await remove(trashed, ben, '?permanent=1')).status).toBe(404);
    expect((await remove(trashed, ana, '?permanent=1')).status).toBe(204);
    expect((await remove(whole, ana, '?permanent=1')).status).toBe(204);
    expect((await remove(removed, moderator)).status).toBe(204);
    expect((await remove(removed, moderator, '?permanent=1')).status).toBe(204);
    expect((await media.files()).length).toBe(files - 3);
    for (const id of [trashed, whole, removed]) expect((await restore(id, ana)).status).toBe(404);
    expect(await told(trashed)).toEqual(['media.uploaded', 'media.deleted false', 'media.deleted true']);
    expect(await told(whole)).toEqual(['media.uploaded', 'media.deleted true']);
  });

  test('restore: 409 for what is not in it, 403 when a moderator has put it there, 412, 401', async () => {
    const id = await add();
    expect((await restore(id, ana)).status).toBe(409);
    await remove(id, moderator);
    expect((await restore(id, ana)).status).toBe(403);
    expect((await restore(id, moderator, { 'If-Match': '"stale"' })).status).toBe(412);
    expect((await restore(id, moderator)).status).toBe(200);
    expect((await media.call('POST', `/media/${id}/restore`)).status).toBe(401);
  });

  test('twenty at once restore it once, and of restoring and ending it one wins', async () => {
    const id = await add();
    await remove(id, ana);
    const answers = await Promise.all(Array.from({ length: 20 }, () => restore(id, ana)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    await remove(id, ana);
    const [back, gone] = await Promise.all([restore(id, ana), remove(id, ana, '?permanent=1')]);
    expect(gone.status).toBe(204);
    expect([200, 404]).toContain(back.status);
    expect((await told(id)).at(-1)).toBe('media.deleted true');
  });

  test('after its days it is emptied, by several replicas at once too, each media once', async () => {
    const user = await media.user();
    const kept = await add(user);
    await remove(kept, user);
    await age(kept, 29);
    const old = await Promise.all(Array.from({ length: 6 }, () => add(user)));
    for (const id of old) {
      await remove(id, user);
      await age(id, 31);
    }
    await Promise.all([emptyTrash(media.deps), emptyTrash(media.deps), emptyTrash(media.deps)]);
    expect(idsOf(await trash(user))).toEqual([kept]);
    for (const id of old) {
      expect(await told(id)).toEqual(['media.uploaded', 'media.deleted false', 'media.deleted true']);
    }
    expect((await media.call('GET', '/media/usage', { as: user })).body.files).toBe(1);
  });

  test('with TRASH_DAYS=0 there is none', async () => {
    const strict = await createTestApp({ TRASH_DAYS: '0' });
    const user = await strict.user();
    const id = await tusClient(strict, user).upload(png());
    await strict.call('DELETE', `/media/${id}`, { as: user });
    expect((await strict.call('GET', '/media/trash', { as: user })).body.items).toEqual([]);
    expect((await strict.events()).at(-1)).toMatchObject({ type: 'media.deleted', data: { final: true } });
    expect((await strict.files()).filter((path) => path.includes('blobs'))).toEqual([]);
    await strict.close();
  });
});
