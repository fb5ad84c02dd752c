import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { audit } from '@tertulia/auth/audit/audit';
import { users } from '@tertulia/auth/db/schema';
import { MIGRATIONS as AUTH } from '@tertulia/auth/deps';
import { MIGRATIONS as COMMENTS } from '@tertulia/comments/deps';
import { MIGRATIONS as MEDIA } from '@tertulia/media/deps';
import { recipients } from '@tertulia/notifications/db/schema';
import { MIGRATIONS as NOTIFICATIONS } from '@tertulia/notifications/deps';
import { departures } from '@tertulia/shared/departures/tables';
import { createTestDatabase, type TestDatabase } from '@tertulia/shared/testing/postgres';
import { type Databases, type Holder, isClean, reconcile, report } from './reconcile.ts';

const FOLDERS: Record<Holder, string> = {
  auth: AUTH,
  media: MEDIA,
  comments: COMMENTS,
  notifications: NOTIFICATIONS,
};

const opened = new Map<Holder, TestDatabase>();
let databases: Databases;
beforeAll(async () => {
  for (const [holder, folder] of Object.entries(FOLDERS) as [Holder, string][])
    opened.set(holder, await createTestDatabase(folder));
  databases = Object.fromEntries([...opened].map(([holder, { db }]) => [holder, db])) as Databases;
});
afterAll(() => Promise.all([...opened.values()].map((database) => database.drop())));

const ids = (count: number) => Array.from({ length: count }, () => Bun.randomUUIDv7());

/** Users with an account, of whom notifications knows the language. */
async function live(those: readonly string[]): Promise<void> {
  await databases.auth.insert(users).values(
    those.map((id) => ({
      id,
      username: id,
      usernameKey: id,
      email: id,
      emailKey: id,
      passwordHash: '',
    })),
  );
  await databases.notifications.insert(recipients).values(those.map((userId) => ({ userId, locale: 'en' })));
}

const of = async (holder: Holder, fix: boolean, page: number) =>
  (await reconcile(databases, fix, page)).find((left) => left.holder === holder);

describe('reconcile', () => {
  test('finds the few who have gone among many who live, in pages, and tells of them again', async () => {
    const living = ids(2500);
    for (let at = 0; at < living.length; at += 500) await live(living.slice(at, at + 500));
    expect((await reconcile(databases, false, 97)).every(isClean)).toBe(true);
    const gone = ids(30);
    await databases.notifications.insert(recipients).values(gone.map((userId) => ({ userId, locale: 'en' })));
    for (const userId of gone)
      await audit(databases.auth, { action: 'user.deleted', actorId: userId, userId });
    const found = await of('notifications', false, 97);
    expect(found).toMatchObject({ users: 2530, gone: { count: 30 }, unknown: { count: 0, some: [] } });
    expect(found?.gone.some).toEqual(gone.toSorted().slice(0, 20));
    expect(report(found === undefined ? [] : [found])).toEqual([
      'notifications: 2530 users, 30 of them gone, 0 unknown to auth',
      `notifications: gone: ${gone.toSorted().slice(0, 20).join(' ')} and 10 more`,
    ]);
    expect(await databases.notifications.$count(departures)).toBe(0);
    await of('notifications', true, 97);
    const noted = await databases.notifications.select().from(departures);
    expect(noted.map(({ userId }) => userId).toSorted()).toEqual(gone.toSorted());
    await databases.notifications.delete(recipients);
    await databases.notifications.delete(departures);
  });

  test('never touches who is unknown to auth: the wrong database must do no harm', async () => {
    const strangers = ids(3);
    await databases.notifications
      .insert(recipients)
      .values(strangers.map((userId) => ({ userId, locale: 'en' })));
    const found = await of('notifications', true, 2);
    expect(found).toMatchObject({ users: 3, gone: { count: 0 }, unknown: { count: 3 } });
    expect(found?.unknown.some).toEqual(strangers.toSorted());
    expect(await databases.notifications.$count(departures)).toBe(0);
    expect(await databases.notifications.$count(recipients)).toBe(3);
    await databases.notifications.delete(recipients);
  });

  test('finds personal data in the audit log that came late, and erases them', async () => {
    const [userId = ''] = ids(1);
    await audit(databases.auth, { action: 'user.deleted', actorId: userId, userId });
    const personal = { address: '203.0.113.7' };
    await audit(databases.auth, { action: 'login.failed', actorId: null, userId, personal });
    expect(await of('auth', true, 10)).toMatchObject({ gone: { count: 1, some: [userId] } });
    expect(await of('auth', false, 10)).toMatchObject({ users: 0, gone: { count: 0 } });
  });

  test('knows each place where a service keeps an id', async () => {
    const found = new Map<Holder, Set<string>>();
    const note = async (holder: Holder, text: string) => {
      const [id = ''] = ids(1);
      found.set(holder, (found.get(holder) ?? new Set()).add(id));
      await opened.get(holder)?.sql.unsafe(text.replaceAll('$id', id));
    };
    const details = `(id, owner_id, owner_username, filename, title, blob_key`;
    await note(
      'media',
      `insert into media ${details}, kind, mime_type, size, sha256)
      values (gen_random_uuid(), '$id', '', '', '', '1', 'image', '', 1, '')`,
    );
    await note(
      'media',
      `insert into uploads ${details}, length) values (gen_random_uuid(), '$id', '', '', '', '2', 1)`,
    );
    for (const holder of ['media', 'comments'] as const) {
      await note(holder, `insert into idempotency_keys (caller, key, fingerprint) values ('$id', 'k', 'f')`);
    }
    await note(
      'comments',
      `insert into media (id, owner_id, owner_username, title, visibility)
      values ('0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f', '$id', '', '', 'public')`,
    );
    await note(
      'comments',
      `insert into comments (id, media_id, depth, author_id, author_username, content)
      values (gen_random_uuid(), '0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f', 0, '$id', '', 'x')`,
    );
    await note('notifications', `insert into recipients (user_id, locale) values ('$id', 'en')`);
    await note('notifications', `insert into streams (channel) values ('user:$id')`);
    await note(
      'notifications',
      `insert into notifications (id, user_id, entry_offset, type, title, message, priority, data)
      values (gen_random_uuid(), '$id', 1, 'x', '', '', 'low', '{}')`,
    );
    for (const left of await reconcile(databases, false)) {
      const wanted = [...(found.get(left.holder) ?? [])].toSorted();
      expect([left.holder, left.unknown.some]).toEqual([left.holder, wanted]);
    }
  });
});
