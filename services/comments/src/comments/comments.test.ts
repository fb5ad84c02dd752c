import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { outbox } from '@tertulia/shared/events/tables';
import { idempotencyKeys, sweepIdempotencyKeys } from '@tertulia/shared/http/idempotency';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { asc, eq } from 'drizzle-orm';
import { comments } from '../db/schema.ts';
import { createTestApp, type TestMedia } from '../test-app.ts';

type TestApp = Awaited<ReturnType<typeof createTestApp>>;

let service: TestApp;
let ana: TestUser;
let ben: TestUser;
let moderator: TestUser;
let media: TestMedia;
let hidden: TestMedia;
beforeAll(async () => {
  service = await createTestApp();
  [ana, ben, moderator] = await Promise.all([service.user(), service.user(), service.user('MODERATOR')]);
  media = await service.upload(ana);
  hidden = await service.upload(ana, 'private');
});
afterAll(() => service.close());

const post = (as: TestUser | undefined, body: unknown, headers: Record<string, string> = {}) =>
  service.call('POST', '/comments', { ...(as === undefined ? {} : { as }), body, headers });
const rowOf = async (id: string) =>
  (await service.database.db.select().from(comments).where(eq(comments.id, id)))[0];
const countOf = (content: string) => service.database.db.$count(comments, eq(comments.content, content));

/** What was announced about a comment, in order. */
async function eventsOf(id: string) {
  const rows = await service.database.db
    .select()
    .from(outbox)
    .where(eq(outbox.subject, `comment:${id}`))
    .orderBy(asc(outbox.id));
  return rows.map(({ envelope }) => JSON.parse(envelope));
}

describe('POST /comments', () => {
  test('201 with the comment, its place and its tag', async () => {
    const { status, body, headers } = await post(ben, {
      mediaId: media.mediaId,
      content: '  ¡Qué\r\nbien!  ',
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      mediaId: media.mediaId,
      parentId: null,
      depth: 0,
      authorId: ben.id,
      authorUsername: ben.username,
      content: '¡Qué\nbien!',
      status: 'approved',
      likes: 0,
      dislikes: 0,
      replyCount: 0,
      createdAt: expect.stringMatching(/Z$/),
      editedAt: null,
      deleted: false,
    });
    const place = headers.get('Location') ?? '';
    const shown = await service.call('GET', place);
    expect(shown.body).toEqual(body);
    expect(shown.headers.get('ETag')).toBe(headers.get('ETag'));
  });

  test('a reply hangs below its parent, which counts it; the event tells both authors', async () => {
    const parent = await service.say(ana, media, 'Parent');
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { body } = await post(
      ben,
      { mediaId: media.mediaId, content: 'Reply', parentId: parent.id },
      { traceparent },
    );
    expect(body).toMatchObject({ parentId: parent.id, depth: 1 });
    expect((await rowOf(parent.id))?.replyCount).toBe(1);
    const [event, ...more] = await eventsOf(body.id);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      type: 'comment.created',
      source: 'comments',
      actorId: ben.id,
      traceparent,
    });
    expect(event.data).toEqual({
      commentId: body.id,
      mediaId: media.mediaId,
      mediaOwnerId: ana.id,
      mediaTitle: media.title,
      parentId: parent.id,
      parentAuthorId: ana.id,
      authorId: ben.id,
      authorUsername: ben.username,
      content: 'Reply',
    });
  });

  test('markup comes back as the text that it is', async () => {
    const content = '<img src=x onerror="window.__x=1"> {{7*7}} \u202e ‮ <script>';
    const { body, headers } = await post(ben, { mediaId: media.mediaId, content });
    expect(body.content).toBe(content);
    expect(headers.get('Content-Type')).toContain('application/json');
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
  });

  test('2,000 characters are counted in code points after NFC', async () => {
    expect((await post(ben, { mediaId: media.mediaId, content: '👍'.repeat(2000) })).status).toBe(201);
    expect((await post(ben, { mediaId: media.mediaId, content: 'n\u0303'.repeat(2000) })).body.content).toBe(
      'ñ'.repeat(2000),
    );
    expect((await post(ben, { mediaId: media.mediaId, content: 'x'.repeat(2001) })).status).toBe(422);
  });

  test('401 without a token, whatever the body', async () => {
    expect((await post(undefined, { mediaId: media.mediaId, content: 'x' })).status).toBe(401);
  });

  test('a private media takes comments of its owner and of moderators; 404 for all others', async () => {
    for (const as of [ana, moderator]) {
      expect((await post(as, { mediaId: hidden.mediaId, content: 'mine' })).status).toBe(201);
    }
    for (const mediaId of [hidden.mediaId, Bun.randomUUIDv7()]) {
      const { status, body } = await post(ben, { mediaId, content: 'x' });
      expect([status, body.code]).toEqual([404, 'media_not_found']);
    }
  });

  test('an unlisted media takes comments of anyone who has its id', async () => {
    const unlisted = await service.upload(ana, 'unlisted');
    expect((await post(ben, { mediaId: unlisted.mediaId, content: 'found it' })).status).toBe(201);
  });

  test('404 for a parent that is unknown, deleted, or on a media the caller may not see', async () => {
    const tombstone = await service.say(ana, media);
    await service.say(ben, media, 'keeps it', tombstone.id);
    await service.call('DELETE', `/comments/${tombstone.id}`, { as: ana });
    const secret = await service.say(ana, hidden);
    for (const parentId of [Bun.randomUUIDv7(), tombstone.id, secret.id]) {
      const { status, body } = await post(ben, { mediaId: media.mediaId, content: 'x', parentId });
      expect([status, body.code]).toEqual([404, 'parent_not_found']);
    }
    expect((await rowOf(secret.id))?.replyCount).toBe(0);
  });

  test('422 for a parent of another media', async () => {
    const other = await service.say(ana, await service.upload(ana));
    const { status, body } = await post(ben, { mediaId: media.mediaId, content: 'x', parentId: other.id });
    expect([status, body.code]).toEqual([422, 'parent_of_other_media']);
    expect((await rowOf(other.id))?.replyCount).toBe(0);
  });

  test.each([
    ['status', { status: 'approved' }],
    ['authorId', { authorId: Bun.randomUUIDv7() }],
    ['createdAt', { createdAt: '2020-01-01T00:00:00Z' }],
    ['depth', { depth: -1 }],
    ['path', { path: '0' }],
    ['constructor', { constructor: { prototype: { role: 'ADMIN' } } }],
    ['__proto__', JSON.parse('{"__proto__":{"role":"ADMIN"}}')],
  ])('422 for the unknown field %s', async (path, extra) => {
    const text = `${JSON.stringify({ mediaId: media.mediaId, content: 'extra' }).slice(0, -1)},${JSON.stringify(extra).slice(1)}`;
    const { status, body } = await post(ben, text, { 'Content-Type': 'application/json' });
    expect(status).toBe(422);
    expect(body.errors).toEqual([{ path, message: 'is not a known field' }]);
    expect(await countOf('extra')).toBe(0);
  });

  test.each([
    ['content', { content: '' }],
    ['content', { content: ' \n\t ' }],
    ['content', { content: 'a\u0000b' }],
    ['content', { content: '\ud800' }],
    ['content', { content: 7 }],
    ['content', { content: undefined }],
    ['content', { content: ' '.repeat(65_536) }],
    ['content', { content: '('.repeat(65_536) }],
    ['mediaId', { mediaId: 'nonsense' }],
    ['mediaId', { mediaId: ['x'] }],
    ['parentId', { parentId: "'; drop table comments; --" }],
  ])('422 for a bad %s', async (path, change) => {
    const { status, body } = await post(ben, { mediaId: media.mediaId, content: 'x', ...change });
    expect([status, body.errors[0].path]).toEqual([422, path]);
  });

  test('4xx for what is no JSON, is too deep, too large or of another type', async () => {
    const headers = { 'Content-Type': 'application/json' };
    const deep = `{"mediaId":"${media.mediaId}","content":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    expect((await post(ben, deep, headers)).status).toBe(422);
    expect((await post(ben, '{"mediaId":', headers)).body.code).toBe('malformed_json');
    expect((await post(ben, `"${'x'.repeat(1024 * 1024)}"`, headers)).status).toBe(413);
    expect((await post(ben, '{}', { 'Content-Type': 'text/plain' })).status).toBe(415);
    expect((await post(ben, '{}', { ...headers, 'Content-Encoding': 'gzip' })).status).toBe(415);
    expect((await post(ben, '[]', headers)).status).toBe(422);
  });

  test('429 for one user beyond the limit, and for nobody else', async () => {
    const strict = await createTestApp({ RATE_LIMIT_SCALE: '1', COMMENTS_PER_MINUTE: '3' });
    const [loud, quiet] = [await strict.user(), await strict.user()];
    const place = await strict.upload(loud);
    const body = { mediaId: place.mediaId, content: 'again' };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => strict.call('POST', '/comments', { as: loud, body })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('RateLimit-Limit')).toBe('3');
    expect(Number(refused?.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect((await strict.call('POST', '/comments', { as: quiet, body })).status).toBe(201);
    await strict.close();
  });
});

describe('Idempotency-Key', () => {
  const keyed = (as: TestUser, key: string, body: unknown) => post(as, body, { 'Idempotency-Key': key });

  test('twenty at once make one comment, one event, one more reply', async () => {
    const parent = await service.say(ana, media);
    const body = { mediaId: media.mediaId, content: 'twenty', parentId: parent.id };
    const answers = await Promise.all(Array.from({ length: 20 }, () => keyed(ben, 'k-20', body)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    const replayed = answers.filter(({ headers }) => headers.get('Idempotency-Replayed') === 'true');
    expect(replayed).toHaveLength(19);
    for (const name of ['Location', 'ETag']) {
      expect(new Set(answers.map(({ headers }) => headers.get(name))).size).toBe(1);
    }
    expect(await countOf('twenty')).toBe(1);
    expect(await eventsOf(answers[0]?.body.id)).toHaveLength(1);
    expect((await rowOf(parent.id))?.replyCount).toBe(1);
  });

  test('another body is 422, another user has keys of their own', async () => {
    const body = { mediaId: media.mediaId, content: 'one' };
    const first = await keyed(ben, 'k-1', body);
    const other = await keyed(ben, 'k-1', { ...body, content: 'two' });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    const hers = await keyed(ana, 'k-1', body);
    expect(hers.status).toBe(201);
    expect(hers.body.id).not.toBe(first.body.id);
  });

  test('a call that failed leaves its key free', async () => {
    const body = { mediaId: Bun.randomUUIDv7(), content: 'early' };
    expect((await keyed(ben, 'k-2', body)).status).toBe(404);
    await service.hear('media.uploaded', { ...media, mediaId: body.mediaId });
    const { status, headers } = await keyed(ben, 'k-2', body);
    expect([status, headers.get('Idempotency-Replayed')]).toEqual([201, null]);
  });

  test('after 24 hours a key is new', async () => {
    const body = { mediaId: media.mediaId, content: 'old' };
    const first = await keyed(ben, 'k-3', body);
    const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
    await service.database.db
      .update(idempotencyKeys)
      .set({ createdAt: yesterday })
      .where(eq(idempotencyKeys.key, 'k-3'));
    expect((await keyed(ben, 'k-3', body)).body.id).not.toBe(first.body.id);
  });

  test('the sweep forgets keys of yesterday and keeps those of today', async () => {
    const { db } = service.database;
    for (const key of ['k-today', 'k-yesterday']) {
      await keyed(ben, key, { mediaId: media.mediaId, content: 'swept' });
    }
    await db
      .update(idempotencyKeys)
      .set({ createdAt: new Date(Date.now() - 25 * 3600 * 1000) })
      .where(eq(idempotencyKeys.key, 'k-yesterday'));
    expect(await sweepIdempotencyKeys(db)).toBe(1);
    expect(await db.$count(idempotencyKeys, eq(idempotencyKeys.key, 'k-today'))).toBe(1);
  });

  test('422 for a key that is none', async () => {
    for (const key of ['a b', 'x'.repeat(256)]) {
      expect((await keyed(ben, key, { mediaId: media.mediaId, content: 'x' })).status).toBe(422);
    }
  });
});

describe('GET /comments/{id}', () => {
  test('200 for anyone, 304 when the tag matches, another tag after a reply', async () => {
    const { id } = await service.say(ben, media);
    const first = await service.call('GET', `/comments/${id}`);
    expect([first.status, first.body.id]).toEqual([200, id]);
    const headers = { 'If-None-Match': first.headers.get('ETag') ?? '' };
    const second = await service.call('GET', `/comments/${id}`, { headers });
    expect([second.status, second.body]).toEqual([304, '']);
    await service.say(ana, media, 'Reply', id);
    expect((await service.call('GET', `/comments/${id}`, { headers })).body.replyCount).toBe(1);
  });

  test('404 for what is unknown, none, or on a media that is hidden; 401 for a bad token', async () => {
    const { id } = await service.say(ana, hidden);
    for (const path of [id, Bun.randomUUIDv7(), 'nonsense', '%00']) {
      expect((await service.call('GET', `/comments/${path}`, { as: ben })).status).toBe(404);
      expect((await service.call('GET', `/comments/${path}`)).status).toBe(404);
    }
    for (const as of [ana, moderator]) {
      expect((await service.call('GET', `/comments/${id}`, { as })).status).toBe(200);
    }
    expect((await service.call('GET', `/comments/${id}`, { as: { token: 'a.b.c' } })).status).toBe(401);
  });
});

describe('PATCH /comments/{id}', () => {
  const patch = (as: TestUser | undefined, id: string, body: unknown, headers: Record<string, string> = {}) =>
    service.call('PATCH', `/comments/${id}`, { ...(as === undefined ? {} : { as }), body, headers });

  test('200 with editedAt, and the event tells the new text', async () => {
    const { id } = await service.say(ben, media, 'Frist');
    const { status, body } = await patch(ben, id, { content: 'First ' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, content: 'First', editedAt: expect.any(String) });
    const events = await eventsOf(id);
    expect(events.map(({ type }) => type)).toEqual(['comment.created', 'comment.updated']);
    expect(events[1].data).toEqual({ ...events[0].data, content: 'First' });
  });

  test('403 edit_window_closed once the time is over', async () => {
    const { id } = await service.say(ben, media);
    const move = (minutes: number) =>
      service.database.db
        .update(comments)
        .set({ createdAt: new Date(Date.now() - minutes * 60_000) })
        .where(eq(comments.id, id));
    await move(14);
    expect((await patch(ben, id, { content: 'in time' })).status).toBe(200);
    await move(16);
    const late = await patch(ben, id, { content: 'late' });
    expect([late.status, late.body.code]).toEqual([403, 'edit_window_closed']);
    expect((await rowOf(id))?.content).toBe('in time');
  });

  test('412 when it has changed since; two edits of one state: one wins', async () => {
    const { id } = await service.say(ben, media);
    const etag = (await service.call('GET', `/comments/${id}`)).headers.get('ETag') ?? '';
    const headers = { 'If-Match': etag };
    const answers = await Promise.all(
      ['one', 'two', 'three'].map((content) => patch(ben, id, { content }, headers)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    const winner = answers.find(({ status }) => status === 200);
    expect((await rowOf(id))?.content).toBe(winner?.body.content);
    const current = { 'If-Match': winner?.headers.get('ETag') ?? '' };
    expect((await patch(ben, id, { content: 'four' }, current)).status).toBe(200);
  });

  test('401, 403 and 404 leave the row as it was', async () => {
    const { id } = await service.say(ben, media, 'Untouched');
    const before = await rowOf(id);
    expect((await patch(undefined, id, { content: 'x' })).status).toBe(401);
    for (const as of [ana, moderator]) {
      const { status, body } = await patch(as, id, { content: 'x' });
      expect([status, body.code]).toEqual([403, 'forbidden']);
    }
    expect((await patch(ben, Bun.randomUUIDv7(), { content: 'x' })).status).toBe(404);
    expect((await patch(ben, 'nonsense', { content: 'x' })).status).toBe(404);
    const secret = await service.say(ana, hidden);
    expect((await patch(ben, secret.id, { content: 'x' })).status).toBe(404);
    expect(await rowOf(id)).toEqual(before);
  });

  test('422 for an author, an unknown field, or nothing', async () => {
    const { id } = await service.say(ben, media);
    for (const body of [
      { content: 'x', authorId: ana.id },
      { content: 'x', editedAt: null },
      {},
      { content: '' },
    ]) {
      expect((await patch(ben, id, body)).status).toBe(422);
    }
  });
});

describe('DELETE /comments/{id}', () => {
  const remove = (as: TestUser | undefined, id: string, headers: Record<string, string> = {}) =>
    service.call('DELETE', `/comments/${id}`, { ...(as === undefined ? {} : { as }), headers });

  test('204, gone when it has no replies; the second time 404', async () => {
    const { id } = await service.say(ben, media);
    const { status, body } = await remove(ben, id);
    expect([status, body]).toEqual([204, '']);
    expect((await service.call('GET', `/comments/${id}`)).status).toBe(404);
    expect((await remove(ben, id)).status).toBe(404);
    expect(await rowOf(id)).toBeUndefined();
    const events = await eventsOf(id);
    expect(events.map(({ type }) => type)).toEqual(['comment.created', 'comment.deleted']);
    expect(events[1].data).toMatchObject({ commentId: id, authorId: ben.id, mediaOwnerId: ana.id });
    expect(events[1].data.content).toBeUndefined();
  });

  test('a tombstone stays when it has replies: no content, no author, in the table either', async () => {
    const { id } = await service.say(ben, media, 'Regret');
    const reply = await service.say(ana, media, 'Reply', id);
    expect((await remove(moderator, id)).status).toBe(204);
    expect((await service.call('GET', `/comments/${id}`)).body).toMatchObject({
      deleted: true,
      content: null,
      authorId: null,
      authorUsername: null,
      replyCount: 1,
    });
    expect(await rowOf(id)).toMatchObject({ content: null, authorId: null, authorUsername: null });
    expect((await service.call('GET', `/comments/${reply.id}`)).body.content).toBe('Reply');
    for (const as of [ben, moderator]) {
      expect((await remove(as, id)).status).toBe(404);
      expect((await service.call('PATCH', `/comments/${id}`, { as, body: { content: 'x' } })).status).toBe(
        404,
      );
    }
    expect((await eventsOf(id)).at(-1)).toMatchObject({ type: 'comment.deleted', actorId: moderator.id });
  });

  test('tombstones go with their last reply, up to the first that is alive or has others', async () => {
    const root = await service.say(ana, media, 'root');
    const one = await service.say(ana, media, 'one', root.id);
    const two = await service.say(ana, media, 'two', one.id);
    const [three, sibling] = [
      await service.say(ben, media, 'three', two.id),
      await service.say(ben, media, 'sibling', two.id),
    ];
    for (const { id } of [one, two]) expect((await remove(ana, id)).status).toBe(204);
    expect((await remove(ben, three.id)).status).toBe(204);
    expect((await rowOf(two.id))?.replyCount).toBe(1);
    expect((await remove(ben, sibling.id)).status).toBe(204);
    for (const { id } of [one, two, three, sibling]) expect(await rowOf(id)).toBeUndefined();
    expect(await rowOf(root.id)).toMatchObject({ replyCount: 0, deletedAt: null });
  });

  test('412 when it has changed since', async () => {
    const { id } = await service.say(ben, media);
    const headers = { 'If-Match': (await service.call('GET', `/comments/${id}`)).headers.get('ETag') ?? '' };
    await service.say(ana, media, 'Reply', id);
    expect((await remove(ben, id, headers)).status).toBe(412);
    expect((await rowOf(id))?.deletedAt).toBeNull();
  });

  test('401 for nobody, 403 for others, 404 where it is hidden', async () => {
    const { id } = await service.say(ben, media);
    expect((await remove(undefined, id)).status).toBe(401);
    expect((await remove(ana, id)).body.code).toBe('forbidden');
    const secret = await service.say(ana, hidden);
    expect((await remove(ben, secret.id)).status).toBe(404);
    expect((await remove(moderator, secret.id)).status).toBe(204);
    expect(await rowOf(id)).toBeDefined();
  });
});

test('methods in disguise change nothing', async () => {
  const { id } = await service.say(ben, media);
  const headers = { 'X-HTTP-Method-Override': 'DELETE' };
  for (const path of [`/comments/${id}?_method=DELETE`, `//comments/${id}`, `/COMMENTS/${id}`]) {
    expect((await service.call('POST', path, { as: moderator, headers })).status).toBeOneOf([404, 405]);
  }
  expect(await rowOf(id)).toBeDefined();
});
