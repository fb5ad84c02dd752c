import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq, inArray, sql } from 'drizzle-orm';
import { comments } from '../db/schema.ts';
import { createTestApp, type TestMedia } from '../test-app.ts';
import { pageOf, previewsOf } from './threads.repository.ts';

type TestApp = Awaited<ReturnType<typeof createTestApp>>;

let service: TestApp;
let ana: TestUser;
let ben: TestUser;
beforeAll(async () => {
  service = await createTestApp();
  [ana, ben] = await Promise.all([service.user(), service.user()]);
});
afterAll(() => service.close());

type Item = { id: string; replies: Item[]; replyCount: number };

/** Follows the cursors to the end; `between` runs after each page. */
async function readAll(path: string, between: (page: Item[]) => Promise<unknown> = async () => {}) {
  const seen: Item[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const separator: string = path.includes('?') ? '&' : '?';
    const { status, body } = await service.call(
      'GET',
      cursor === '' ? path : `${path}${separator}cursor=${cursor}`,
    );
    expect(status).toBe(200);
    seen.push(...body.items);
    cursor = body.nextCursor;
    await between(body.items);
  }
  return seen;
}

const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id);

/** Writes many at once, behind the API's back; each hangs below what `parentOf` says. Ids are in order. */
async function plant(
  media: TestMedia,
  count: number,
  parentOf: (ids: readonly string[], at: number) => string | null = () => null,
): Promise<string[]> {
  const ids: string[] = [];
  const depths = new Map<string | null, number>([[null, -1]]);
  for (let at = 0; at < count; at++) {
    const parentId = parentOf(ids, at);
    const id = Bun.randomUUIDv7();
    depths.set(id, (depths.get(parentId) ?? 0) + 1);
    ids.push(id);
  }
  const rows = ids.map((id, at) => ({
    id,
    mediaId: media.mediaId,
    parentId: parentOf(ids, at),
    depth: depths.get(id) ?? 0,
    authorId: ana.id,
    authorUsername: ana.username,
    content: `number ${at}`,
  }));
  for (let at = 0; at < count; at += 1000) {
    await service.database.db.insert(comments).values(rows.slice(at, at + 1000));
  }
  await service.database.db.execute(sql`
    update comments set reply_count = children.count
    from (select parent_id, count(*)::int as count from comments where media_id = ${media.mediaId} group by 1) as children
    where comments.id = children.parent_id`);
  return ids;
}

describe('GET /comments/media/{mediaId}', () => {
  test('200: comments on the media itself, newest first, each with its oldest replies', async () => {
    const media = await service.upload(ana);
    const [one, two] = [await service.say(ana, media, 'one'), await service.say(ben, media, 'two')];
    const replies = [];
    for (const content of ['a', 'b', 'c', 'd', 'e', 'f']) {
      replies.push(await service.say(ben, media, content, one.id));
    }
    await service.say(ana, media, 'deeper', replies[0]?.id);
    const { status, body } = await service.call('GET', `/comments/media/${media.mediaId}`);
    expect(status).toBe(200);
    expect(body.nextCursor).toBeNull();
    expect(idsOf(body.items)).toEqual([two.id, one.id]);
    expect(body.items[0]).toMatchObject({ replyCount: 0, replies: [] });
    expect(body.items[1].replyCount).toBe(6);
    expect(idsOf(body.items[1].replies)).toEqual(idsOf(replies.slice(0, 3)));
    expect(body.items[1].replies[0]).toEqual((await service.call('GET', `/comments/${replies[0]?.id}`)).body);
    const most = await service.call('GET', `/comments/media/${media.mediaId}?sort=oldest&replies=5`);
    expect(idsOf(most.body.items)).toEqual([one.id, two.id]);
    expect(idsOf(most.body.items[0].replies)).toEqual(idsOf(replies.slice(0, 5)));
    const none = await service.call('GET', `/comments/media/${media.mediaId}?replies=0`);
    expect(none.body.items[1]).toMatchObject({ replyCount: 6, replies: [] });
  });

  test('an empty page for a media without comments', async () => {
    const media = await service.upload(ana, 'unlisted');
    const { status, body } = await service.call('GET', `/comments/media/${media.mediaId}`);
    expect([status, body]).toEqual([200, { items: [], nextCursor: null }]);
  });

  test('404 for a media that is unknown, private or deleted; its owner and moderators see a private one', async () => {
    const hidden = await service.upload(ana, 'private');
    const { id } = await service.say(ana, hidden);
    const moderator = await service.user('MODERATOR');
    const paths = [`/comments/media/${hidden.mediaId}`, `/comments/${id}/replies`];
    for (const path of [...paths, `/comments/media/${Bun.randomUUIDv7()}`, '/comments/media/nonsense']) {
      expect((await service.call('GET', path)).status).toBe(404);
      expect((await service.call('GET', path, { as: ben })).status).toBe(404);
    }
    for (const path of paths) {
      for (const as of [ana, moderator]) expect((await service.call('GET', path, { as })).status).toBe(200);
    }
    await service.hear('media.deleted', hidden);
    for (const path of paths) {
      for (const as of [ana, moderator]) expect((await service.call('GET', path, { as })).status).toBe(404);
    }
  });

  test.each([
    ['limit=0', 400],
    ['limit=101', 400],
    ['limit=1e9', 400],
    ['limit=NaN', 400],
    ['limit[]=1', 200],
    ['limit=1&limit=2', 400],
    ['cursor=', 400],
    ['cursor=nonsense', 400],
    [`cursor=${'x'.repeat(513)}`, 400],
    [`cursor=${Buffer.from('["x","\\u0000"]').toString('base64url')}`, 400],
    ['sort=hottest', 422],
    ["sort=newest'--", 422],
    ['replies=6', 422],
    ['replies=-1', 422],
    ['replies=x', 422],
  ])('%s is answered %i', async (query, wanted) => {
    const media = await service.upload(ana);
    const { status } = await service.call('GET', `/comments/media/${media.mediaId}?${query}`);
    expect(status).toBe(wanted);
  });

  test('400 for a cursor of another media, another order or the replies', async () => {
    const [media, other] = [await service.upload(ana), await service.upload(ana)];
    const ids = await plant(media, 4, (made, at) => (at < 2 ? null : (made[0] ?? null)));
    const path = `/comments/media/${media.mediaId}`;
    const { nextCursor } = (await service.call('GET', `${path}?limit=1`)).body;
    for (const elsewhere of [
      `${path}?sort=oldest`,
      `/comments/media/${other.mediaId}?sort=newest`,
      `/comments/${ids[0]}/replies?sort=newest`,
    ]) {
      expect((await service.call('GET', `${elsewhere}&cursor=${nextCursor}`)).status).toBe(400);
    }
  });

  test.each(['newest', 'oldest'])(
    '%s: 5,000 siblings, each once and in order, on bounded pages',
    async (sort) => {
      const media = await service.upload(ana);
      const ids = await plant(media, 5000);
      const sizes: number[] = [];
      const seen = await readAll(`/comments/media/${media.mediaId}?limit=100&sort=${sort}`, async (page) =>
        sizes.push(page.length),
      );
      expect(idsOf(seen)).toEqual(sort === 'newest' ? ids.toReversed() : ids);
      expect(Math.max(...sizes)).toBe(100);
    },
  );

  test.each(['newest', 'oldest'])(
    '%s: what is there all the while comes once, whatever comes and goes',
    async (sort) => {
      const media = await service.upload(ana);
      const ids = await plant(media, 200);
      const doomed = ids.filter((_, at) => at % 3 === 0);
      const staying = ids.filter((_, at) => at % 3 !== 0);
      const seen = await readAll(`/comments/media/${media.mediaId}?limit=7&sort=${sort}`, async () => {
        // Never endless: there are 200 to start with, and one that comes for seven that are read.
        await service.say(ben, media, 'meanwhile');
        const [gone, also] = [doomed.shift(), doomed.pop()];
        await service.database.db
          .delete(comments)
          .where(inArray(comments.id, [gone ?? '', also ?? ''].filter(Boolean)));
      });
      const shown = idsOf(seen);
      expect(new Set(shown).size).toBe(shown.length);
      expect(shown.filter((id) => staying.includes(id))).toEqual(
        sort === 'newest' ? staying.toReversed() : staying,
      );
    },
  );
});

describe('GET /comments/{id}/replies', () => {
  test('200: direct replies in both orders, tombstones included; the parent may be one', async () => {
    const media = await service.upload(ana);
    const parent = await service.say(ana, media);
    const replies = [];
    for (const content of ['a', 'b', 'c']) replies.push(await service.say(ben, media, content, parent.id));
    await service.say(ana, media, 'deeper', replies[1]?.id);
    for (const id of [parent.id, replies[1]?.id]) {
      const as = id === parent.id ? ana : ben;
      expect((await service.call('DELETE', `/comments/${id}`, { as })).status).toBe(204);
    }
    const { status, body } = await service.call('GET', `/comments/${parent.id}/replies`);
    expect(status).toBe(200);
    expect(idsOf(body.items)).toEqual(idsOf(replies));
    expect(body.items[1]).toMatchObject({ deleted: true, content: null, authorId: null, replyCount: 1 });
    const newest = await readAll(`/comments/${parent.id}/replies?sort=newest&limit=1`);
    expect(idsOf(newest)).toEqual(idsOf(replies.toReversed()));
    expect((await service.call('GET', `/comments/${parent.id}`)).body.replyCount).toBe(3);
  });

  test('404 for what is unknown, 422 for an unknown order', async () => {
    const { id } = await service.say(ana, await service.upload(ana));
    expect((await service.call('GET', `/comments/${Bun.randomUUIDv7()}/replies`)).status).toBe(404);
    expect((await service.call('GET', `/comments/${id}/replies?sort=top%27`)).status).toBe(422);
  });
});

describe('a chain 1,000 deep', () => {
  test('is walked reply by reply, answered at its end, and goes as a whole with its last leaf', async () => {
    const media = await service.upload(ana);
    const ids = await plant(media, 1000, (made, at) => made[at - 1] ?? null);
    const [page] = await readAll(`/comments/media/${media.mediaId}`);
    const walked = [page?.id];
    for (let at = page?.id; at !== undefined; ) {
      const [next, ...others] = (await service.call('GET', `/comments/${at}/replies`)).body.items;
      expect(others).toEqual([]);
      if (next !== undefined) walked.push(next.id);
      at = next?.id;
    }
    expect(walked).toEqual(ids);

    const leaf = await service.say(ben, media, 'the last word', ids.at(-1));
    expect(leaf).toMatchObject({ depth: 1000, parentId: ids.at(-1) });
    // Tombstones all, but for the leaf: what a thread looks like when everybody has regretted.
    await service.database.db
      .update(comments)
      .set({ content: null, authorId: null, authorUsername: null, deletedAt: new Date() })
      .where(inArray(comments.id, ids));
    expect((await service.call('DELETE', `/comments/${leaf.id}`, { as: ben })).status).toBe(204);
    expect(await service.database.db.$count(comments, eq(comments.mediaId, media.mediaId))).toBe(0);
  });
});

describe('every page query', () => {
  const KINDS = ['force_custom_plan', 'force_generic_plan'] as const;

  /** The node types of a plan, from the top. */
  async function planOf(
    query: { sql: string; params: unknown[] },
    values: Record<string, unknown>,
    mode: string,
  ) {
    const params = query.params.map((param) => {
      const name = (param as { name?: string } | null)?.name;
      return name === undefined ? param : values[name];
    });
    const session = await service.database.sql.reserve();
    try {
      await session.unsafe(`set plan_cache_mode = ${mode}`);
      const [row] = await session.unsafe(`explain (format json) ${query.sql}`, params as never[]);
      const nodes: { type: string; index: string | undefined }[] = [];
      const walk = (node: Record<string, unknown>) => {
        nodes.push({ type: String(node['Node Type']), index: node['Index Name'] as string | undefined });
        for (const child of (node.Plans as Record<string, unknown>[] | undefined) ?? []) walk(child);
      };
      walk(row?.['QUERY PLAN'][0].Plan);
      return nodes;
    } finally {
      await session.unsafe('reset plan_cache_mode');
      session.release();
    }
  }

  test('goes by one index, sorts nothing and scans no table, among 20,000 comments', async () => {
    const [media, other] = [await service.upload(ana), await service.upload(ana)];
    const ids = await plant(media, 15_000, (made, at) =>
      at % 3 === 0 ? null : (made[at - (at % 3)] ?? null),
    );
    const wide = await plant(other, 5000, (made) => made[0] ?? null);
    await service.database.db.execute(sql`analyze comments`);
    const { db } = service.database;
    for (const mode of KINDS) {
      for (const sort of ['newest', 'oldest'] as const) {
        const at = new Date().toISOString();
        const top = { of: media.mediaId, at, id: ids[7500], limit: 21 };
        const replies = { of: wide[0], at, id: wide[2500], limit: 21 };
        for (const [list, values, index] of [
          ['top', top, 'comments_top'],
          ['replies', replies, 'comments_replies'],
        ] as const) {
          const nodes = await planOf(pageOf(db, list, sort).toSQL(), values, mode);
          expect({ mode, sort, list, nodes }).toEqual({
            mode,
            sort,
            list,
            nodes: [
              { type: 'Limit', index: undefined },
              { type: 'Index Scan', index },
            ],
          });
        }
      }
      const of = ids.filter((_, at) => at % 3 === 0).slice(0, 100);
      const nodes = await planOf(previewsOf(db).toSQL(), { of, each: 5 }, mode);
      expect(nodes.map(({ index }) => index)).toContain('comments_replies');
      expect(nodes.map(({ type }) => type).filter((type) => /Sort|Seq Scan/.test(type))).toEqual([]);
    }
  });
});
