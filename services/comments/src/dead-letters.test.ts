import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { MAX_TRIES, retrySetAside } from '@tertulia/shared/events/set-aside';
import { setAside } from '@tertulia/shared/events/tables';
import { createLog } from '@tertulia/shared/runtime/log';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq } from 'drizzle-orm';
import { consumers } from './consumers.ts';
import { createTestApp } from './test-app.ts';

let service: Awaited<ReturnType<typeof createTestApp>>;
let admin: TestUser;
beforeAll(async () => {
  service = await createTestApp();
  admin = await service.user('ADMIN');
});
afterAll(() => service.close());

let last = 0;

/** An event that rests, and one of the same subject behind it; `title` makes it digestible. */
async function lay(title: unknown) {
  const mediaId = Bun.randomUUIDv7();
  const data = { mediaId, ownerId: admin.id, ownerUsername: 'ana', visibility: 'public' };
  const rows = [title, 'behind'].map((it, at) => ({
    source: 'media',
    seq: ++last,
    subject: `media:${mediaId}`,
    envelope: JSON.stringify({
      id: Bun.randomUUIDv7(),
      type: 'media.updated',
      version: 1,
      source: 'media',
      subject: `media:${mediaId}`,
      actorId: null,
      occurredAt: new Date().toISOString(),
      data: { ...data, title: it },
    }),
    dead: at === 0,
    tries: at === 0 ? MAX_TRIES : 0,
    error: at === 0 ? 'Error: could not be digested' : null,
  }));
  await service.database.db.insert(setAside).values(rows);
  return { mediaId, seq: last - 1 };
}

const replay = (body: unknown, as: TestUser | undefined = admin) =>
  service.call('POST', '/admin/dead-letters/replay', { as, body });

describe('GET /admin/dead-letters', () => {
  test('pages hold each dead letter once, and none that only waits', async () => {
    const laid = [];
    for (let n = 0; n < 5; n++) laid.push((await lay(null)).seq);
    const seen: number[] = [];
    for (let cursor = ''; ; ) {
      const { status, body } = await service.call('GET', `/admin/dead-letters?limit=2${cursor}`, {
        as: admin,
      });
      expect(status).toBe(200);
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items.map(({ seq }: { seq: number }) => seq));
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(seen).toEqual(laid);
    const [first] = (await service.call('GET', '/admin/dead-letters', { as: admin })).body.items;
    expect(first).toEqual({
      source: 'media',
      seq: laid[0],
      subject: expect.stringMatching(/^media:/),
      envelope: expect.stringContaining('media.updated'),
      error: 'Error: could not be digested',
      tries: MAX_TRIES,
      createdAt: expect.stringMatching(/Z$/),
    });
    await service.database.db.delete(setAside);
  });

  test('401 for nobody, 403 below ADMIN, 400 for bad pages', async () => {
    expect((await service.call('GET', '/admin/dead-letters')).status).toBe(401);
    for (const role of ['USER', 'MODERATOR'] as const) {
      const as = await service.user(role);
      expect((await service.call('GET', '/admin/dead-letters', { as })).status).toBe(403);
    }
    for (const query of ['limit=0', 'limit=101', 'cursor=nonsense']) {
      expect((await service.call('GET', `/admin/dead-letters?${query}`, { as: admin })).status).toBe(400);
    }
  });
});

describe('POST /admin/dead-letters/replay', () => {
  test('202: it is tried again, and what waited behind it follows', async () => {
    const { mediaId, seq } = await lay('digestible now');
    expect((await replay({ source: 'media', seq })).status).toBe(202);
    const { db } = service.database;
    await retrySetAside({ source: 'media', db, consumers, log: createLog('test', 'silent') });
    expect(await db.$count(setAside, eq(setAside.subject, `media:${mediaId}`))).toBe(0);
    expect((await service.deps.findMedia(mediaId))?.title).toBe('behind');
  });

  test('404 for one that is unknown or only waits', async () => {
    const { seq } = await lay(null);
    for (const other of [seq + 1, 999_999]) {
      expect((await replay({ source: 'media', seq: other })).status).toBe(404);
    }
    expect((await replay({ source: 'auth', seq })).status).toBe(404);
  });

  test('401 for nobody, 403 below ADMIN, 422 for what is no key', async () => {
    const { seq } = await lay(null);
    expect(
      (await service.call('POST', '/admin/dead-letters/replay', { body: { source: 'media', seq } })).status,
    ).toBe(401);
    expect((await replay({ source: 'media', seq }, await service.user('MODERATOR'))).status).toBe(403);
    for (const body of [
      {},
      { source: 'media', seq: 0 },
      { source: 'media', seq: 1e300 },
      { source: 'a\u0000', seq },
      { source: 'media', seq, all: true },
    ]) {
      expect((await replay(body)).status).toBe(422);
    }
    expect(await service.database.db.$count(setAside, eq(setAside.seq, seq))).toBe(1);
  });
});
