import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { FIRST_USER } from '@tertulia/shared/departures/held';
import { departures } from '@tertulia/shared/departures/tables';
import { handle } from '@tertulia/shared/events/handle';
import { outbox } from '@tertulia/shared/events/tables';
import { idempotencyKeys } from '@tertulia/shared/http/idempotency';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq, like } from 'drizzle-orm';
import { consumers } from '../consumers.ts';
import { comments, media } from '../db/schema.ts';
import { createTestApp, type TestMedia } from '../test-app.ts';
import { createForget, heldUsers } from './departures.ts';

let service: Awaited<ReturnType<typeof createTestApp>>;
let forget: ReturnType<typeof createForget>;
beforeAll(async () => {
  service = await createTestApp();
  forget = createForget(service.deps.db);
});
afterAll(() => service.close());

const gone = (user: TestUser, signal = new AbortController().signal) => forget(user.id, signal);
const look = async (id: string) => (await service.call('GET', `/comments/${id}`)).body;
const held = () => heldUsers(service.deps.db, FIRST_USER, 1000);

/** Comments whose count is not what a recount finds, and tombstones that nothing keeps. */
const faults = async ({ mediaId }: TestMedia) =>
  service.database.sql`
    select id from comments cross join lateral (
      select count(*)::int as count from comments as child where child.parent_id = comments.id
    ) as children
    where media_id = ${mediaId}
      and (reply_count <> children.count or (deleted_at is not null and children.count = 0))`;

test('user.deleted is noted, once', async () => {
  const { id, username } = await service.user();
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
  for (let n = 0; n < 2; n++)
    await service.database.db.transaction((tx) => handle(consumers, tx, envelope, () => {}));
  expect(await service.database.db.$count(departures, eq(departures.userId, id))).toBe(1);
});

describe('who has gone', () => {
  test('leaves tombstones where others answered and nothing elsewhere; counts are right', async () => {
    const [ana, ben] = [await service.user(), await service.user()];
    const about = await service.upload(ben);
    const root = await service.say(ana, about, 'root of ana');
    const reply = await service.say(ben, about, 'reply of ben', root.id);
    const leaf = await service.say(ana, about, 'leaf of ana', reply.id);
    const alone = await service.say(ana, about, 'alone');
    await gone(ana);
    expect(await look(root.id)).toMatchObject({
      deleted: true,
      content: null,
      authorId: null,
      authorUsername: null,
      replyCount: 1,
    });
    expect(await look(reply.id)).toMatchObject({ content: 'reply of ben', authorId: ben.id, replyCount: 0 });
    for (const { id } of [leaf, alone])
      expect((await service.call('GET', `/comments/${id}`)).status).toBe(404);
    expect([...(await faults(about))]).toEqual([]);
    expect(await held()).not.toContain(ana.id);
    expect(await held()).toContain(ben.id);
  });

  test('is told of as deletions by that user, each once, however often it is done', async () => {
    const ana = await service.user();
    const about = await service.upload(await service.user());
    const said = [await service.say(ana, about), await service.say(ana, about)];
    await Promise.all([gone(ana), gone(ana)]);
    await gone(ana);
    for (const { id } of said) {
      const rows = await service.database.db
        .select()
        .from(outbox)
        .where(eq(outbox.subject, `comment:${id}`));
      const told = rows.map(({ envelope }) => JSON.parse(envelope));
      expect(told.map(({ type, actorId }) => [type, actorId])).toEqual([
        ['comment.created', ana.id],
        ['comment.deleted', ana.id],
      ]);
    }
  });

  test('leaves nothing of more than a batch, in a thread where others answer and delete meanwhile', async () => {
    const [ana, ben] = [await service.user(), await service.user()];
    const about = await service.upload(ben);
    const ids: string[] = [];
    for (let n = 0; n < 220; n++) {
      const parent = n % 3 === 0 ? undefined : ids[n - (n % 3)];
      ids.push((await service.say(n % 2 === 0 ? ana : ben, about, `${n}`, parent)).id);
    }
    const others = ids.map(async (id, at) => {
      const body = { mediaId: about.mediaId, content: 'late', parentId: id };
      if (at % 5 === 0) await service.call('POST', '/comments', { as: ben, body });
      if (at % 7 === 1) await service.call('DELETE', `/comments/${id}`, { as: ben });
    });
    await Promise.all([gone(ana), ...others]);
    await gone(ana);
    expect(await service.database.db.$count(comments, eq(comments.authorId, ana.id))).toBe(0);
    expect([...(await faults(about))]).toEqual([]);
  });

  test('takes kept answers along, and comments under media that nobody sees any more', async () => {
    const [ana, ben] = [await service.user(), await service.user()];
    const about = await service.upload(ben);
    await service.call('POST', '/comments', {
      as: ana,
      body: { mediaId: about.mediaId, content: 'kept with its answer' },
      headers: { 'Idempotency-Key': 'one' },
    });
    await service.hear('media.deleted', about);
    expect(await service.database.db.$count(idempotencyKeys, eq(idempotencyKeys.caller, ana.id))).toBe(1);
    await gone(ana);
    expect(await service.database.db.$count(idempotencyKeys, eq(idempotencyKeys.caller, ana.id))).toBe(0);
    expect(await service.database.db.$count(comments, like(comments.content, 'kept with%'))).toBe(0);
    expect(await held()).not.toContain(ana.id);
  });

  test('stops between two batches when told so', async () => {
    const ana = await service.user();
    const about = await service.upload(await service.user());
    for (let n = 0; n < 3; n++) await service.say(ana, about);
    await gone(ana, AbortSignal.abort());
    expect(await service.database.db.$count(comments, eq(comments.authorId, ana.id))).toBe(3);
  });
});

test('of a deleted media neither its owner nor its title is kept, whatever comes late', async () => {
  const ana = await service.user();
  const about = await service.upload(ana);
  await service.hear('media.deleted', about);
  await service.hear('media.updated', about);
  await service.hear('media.uploaded', about);
  const [row] = await service.database.db.select().from(media).where(eq(media.id, about.mediaId));
  expect(row).toMatchObject({ ownerId: FIRST_USER, ownerUsername: '', title: '' });
  expect(await held()).not.toContain(ana.id);
});
