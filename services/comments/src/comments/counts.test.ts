import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createTestApp, type TestMedia } from '../test-app.ts';

let service: Awaited<ReturnType<typeof createTestApp>>;
beforeAll(async () => {
  service = await createTestApp();
});
afterAll(() => service.close());

/** Comments whose count is not what a recount finds, orphans, and tombstones that nothing keeps. */
async function faults({ mediaId }: TestMedia) {
  return service.database.sql`
    select id, reply_count, children.count, deleted_at is not null as deleted
    from comments cross join lateral (
      select count(*)::int as count from comments as child where child.parent_id = comments.id
    ) as children
    where media_id = ${mediaId} and (
      reply_count <> children.count
      or (deleted_at is not null and children.count = 0)
      or (parent_id is null) <> (depth = 0)
    )`;
}

/** A generator of one's own, so that a failure can be had again. */
function dice(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('counts', () => {
  test.each([1, 2, 3])('equal a recount after 300 random operations at once (%i)', async (seed) => {
    const roll = dice(seed);
    const [author, moderator] = [await service.user(), await service.user('MODERATOR')];
    const media = await service.upload(author);
    const known = [(await service.say(author, media)).id];
    const statuses = new Map<string, number>();
    for (let round = 0; round < 10; round++) {
      const acts = Array.from({ length: 30 }, async () => {
        // Mostly the newest, so that one parent sees replies and its own deletion at once.
        const id = known[Math.max(0, known.length - 1 - roll(8))] ?? '';
        const isReply = roll(100) < 55;
        const answer = isReply
          ? await service.call('POST', '/comments', {
              as: author,
              body: { mediaId: media.mediaId, content: 'reply', ...(roll(10) === 0 ? {} : { parentId: id }) },
            })
          : await service.call('DELETE', `/comments/${id}`, { as: roll(2) === 0 ? author : moderator });
        if (answer.status === 201) known.push(answer.body.id);
        const key = `${isReply ? 'POST' : 'DELETE'} ${answer.status}`;
        statuses.set(key, (statuses.get(key) ?? 0) + 1);
      });
      await Promise.all(acts);
      expect([...(await faults(media))]).toEqual([]);
    }
    expect([...statuses.keys()].sort()).toEqual(['DELETE 204', 'DELETE 404', 'POST 201', 'POST 404']);
  });

  test('fifty replies at once to one comment are fifty', async () => {
    const author = await service.user();
    const media = await service.upload(author);
    const { id } = await service.say(author, media);
    await Promise.all(Array.from({ length: 50 }, () => service.say(author, media, 'reply', id)));
    expect((await service.call('GET', `/comments/${id}`)).body.replyCount).toBe(50);
    expect([...(await faults(media))]).toEqual([]);
  });

  test('a reply and the deletion of its parent at once: a tombstone with it, or neither', async () => {
    const author = await service.user();
    const media = await service.upload(author);
    for (let n = 0; n < 30; n++) {
      const { id } = await service.say(author, media);
      const body = { mediaId: media.mediaId, content: 'reply', parentId: id };
      const [reply, deletion] = await Promise.all([
        service.call('POST', '/comments', { as: author, body }),
        service.call('DELETE', `/comments/${id}`, { as: author }),
      ]);
      expect(deletion.status).toBe(204);
      const parent = await service.call('GET', `/comments/${id}`);
      expect([reply.status, parent.status]).toBeOneOf([
        [201, 200],
        [404, 404],
      ]);
    }
    expect([...(await faults(media))]).toEqual([]);
  });

  test('the leaves of one tombstone deleted at once take it and all above it along', async () => {
    const author = await service.user();
    const media = await service.upload(author);
    const root = await service.say(author, media);
    let above = root.id;
    for (let n = 0; n < 20; n++) above = (await service.say(author, media, 'chain', above)).id;
    const leaves = await Promise.all(
      Array.from({ length: 10 }, () => service.say(author, media, 'leaf', above)),
    );
    for (let at = above; at !== root.id; ) {
      const { parentId } = (await service.call('GET', `/comments/${at}`)).body;
      expect((await service.call('DELETE', `/comments/${at}`, { as: author })).status).toBe(204);
      at = parentId;
    }
    const deletions = await Promise.all(
      leaves.map(({ id }) => service.call('DELETE', `/comments/${id}`, { as: author })),
    );
    expect(new Set(deletions.map(({ status }) => status))).toEqual(new Set([204]));
    const [left] = await service.database.sql`
      select count(*)::int as count, max(reply_count) as replies from comments where media_id = ${media.mediaId}`;
    expect(left).toEqual({ count: 1, replies: 0 });
  });
});
