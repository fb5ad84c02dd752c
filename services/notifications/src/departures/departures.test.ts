import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { FIRST_USER } from '@tertulia/shared/departures/held';
import { departures } from '@tertulia/shared/departures/tables';
import { handle } from '@tertulia/shared/events/handle';
import { eq } from 'drizzle-orm';
import { notifications, recipients, streamEntries, streams } from '../db/schema.ts';
import { userChannel } from '../streams/streams.repository.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { createForget, heldUsers } from './departures.ts';

let app: TestApp;
let forget: ReturnType<typeof createForget>;
beforeAll(async () => {
  app = await createTestApp();
  forget = createForget(app.deps.db);
});
afterAll(() => app.close());

const signal = new AbortController().signal;
const held = () => heldUsers(app.deps.db, FIRST_USER, 1000);

/** Rows of a user in each table. */
async function rowsOf(id: string) {
  const { db } = app.database;
  const channel = userChannel(id);
  return Promise.all([
    db.$count(notifications, eq(notifications.userId, id)),
    db.$count(streams, eq(streams.channel, channel)),
    db.$count(streamEntries, eq(streamEntries.channel, channel)),
    db.$count(recipients, eq(recipients.userId, id)),
  ]);
}

async function hear(type: 'user.registered' | 'user.deleted', id: string, username: string): Promise<void> {
  const envelope = {
    id: Bun.randomUUIDv7(),
    type,
    version: 1,
    source: 'auth',
    subject: `user:${id}`,
    actorId: id,
    occurredAt: new Date().toISOString(),
    data: { userId: id, username, displayName: null, locale: 'es', role: 'USER' },
  };
  await app.database.db.transaction((tx) => handle(app.consumers, tx, envelope, (work) => work()));
}

test('user.deleted is noted', async () => {
  const { id, username } = await app.tokens.user();
  await hear('user.deleted', id, username);
  expect(await app.database.db.$count(departures, eq(departures.userId, id))).toBe(1);
});

describe('who has gone', () => {
  test('leaves no inbox, no stream and no language; others keep theirs', async () => {
    const [ana, ben] = [await app.tokens.user(), await app.tokens.user()];
    for (const { id, username } of [ana, ben]) {
      await hear('user.registered', id, username);
      for (let n = 0; n < 3; n++) await app.tell(id);
    }
    expect(await rowsOf(ana.id)).toEqual([4, 1, 4, 1]);
    expect(await held()).toEqual([ana.id, ben.id].toSorted());
    for (let n = 0; n < 2; n++) await forget(ana.id, signal);
    expect(await rowsOf(ana.id)).toEqual([0, 0, 0, 0]);
    expect(await rowsOf(ben.id)).toEqual([4, 1, 4, 1]);
    expect(await held()).toEqual([ben.id]);
  });

  test('what comes late is gone with the next look', async () => {
    const ana = await app.tokens.user();
    await Promise.all([forget(ana.id, signal), app.tell(ana.id), app.tell(ana.id)]);
    await forget(ana.id, signal);
    expect(await rowsOf(ana.id)).toEqual([0, 0, 0, 0]);
  });

  test('more than a batch goes whole', async () => {
    const ana = await app.tokens.user();
    await app.tell(ana.id);
    await app.database.sql`
      insert into notifications (id, user_id, entry_offset, type, title, message, priority, data)
      select gen_random_uuid(), ${ana.id}, n, 'new_comment', '', '', 'low', '{}' from generate_series(2, 2500) as n`;
    await forget(ana.id, signal);
    expect(await rowsOf(ana.id)).toEqual([0, 0, 0, 0]);
  });

  test('each that is held is named once, in pages', async () => {
    const own = await createTestApp();
    const ids = [];
    for (let n = 0; n < 7; n++) {
      const { id } = await own.tokens.user();
      ids.push(id);
      if (n % 2 === 0) await own.tell(id);
      else await own.database.sql`insert into recipients (user_id, locale) values (${id}, 'en')`;
      if (n === 3) await own.database.sql`insert into streams (channel) values (${userChannel(id)})`;
    }
    await own.database.sql`insert into streams (channel) values ('announcements'), ('user:nobody')`;
    const seen: string[] = [];
    for (let after = FIRST_USER; ; ) {
      const page = await heldUsers(own.deps.db, after, 3);
      seen.push(...page);
      if (page.length < 3) break;
      after = page.at(-1) ?? '';
    }
    expect(seen).toEqual(ids.toSorted());
    await own.close();
  });
});
