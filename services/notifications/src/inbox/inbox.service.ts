import type { Db, Tx } from '@tertulia/shared/db/database';
import { Problem } from '@tertulia/shared/http/problem';
import type { PRIORITIES } from '../db/schema.ts';
import {
  append,
  lockStream,
  type StreamEntry,
  userChannel,
  withdraw,
} from '../streams/streams.repository.ts';
import { textOf } from '../texts/languages.ts';
import type { NotificationType, TextParameters } from '../texts/texts.ts';
import {
  deleteNotification,
  findNotification,
  insertNotification,
  localeOf,
  markRead,
  markUnread,
} from './inbox.repository.ts';
import { type Selection, toNotification } from './inbox.schema.ts';

/** Tells the nodes of a committed entry; see the hub. */
export type Publish = (channel: string, entry: StreamEntry) => void;

export type Notice<Type extends NotificationType> = {
  userId: string;
  type: Type;
  parameters: TextParameters[Type];
  priority?: (typeof PRIORITIES)[number];
  /** Ids of what it is about, and a link. */
  data: Record<string, unknown>;
};

/** Puts a notification into a user's inbox and stream. Publish the entry once the transaction is committed. */
export async function notify<Type extends NotificationType>(
  tx: Tx,
  notice: Notice<Type>,
): Promise<StreamEntry> {
  const { userId, type, parameters, priority = 'medium', data } = notice;
  const { title, message } = textOf(await localeOf(tx, userId), type, parameters);
  const row = {
    id: Bun.randomUUIDv7(),
    userId,
    type,
    title,
    message,
    priority,
    data,
    read: false,
    createdAt: new Date(),
    expiresAt: null,
  };
  const entry = await append(tx, userChannel(userId), 1, ({ offset, unread }) => ({
    kind: 'notification',
    notification: toNotification({ ...row, entryOffset: offset }),
    unread,
  }));
  await insertNotification(tx, { ...row, entryOffset: entry.offset });
  return entry;
}

/** Marks notifications read, on every device. Returns how many there were to mark, and what is left. */
export async function read(db: Db, publish: Publish, userId: string, selection: Selection) {
  const channel = userChannel(userId);
  const done = await db.transaction(async (tx) => {
    // The lock first: counting and marking are one act, whatever happens beside it.
    const { lastOffset, unread } = await lockStream(tx, channel);
    const upTo =
      'all' in selection
        ? lastOffset
        : 'upTo' in selection
          ? Math.min(selection.upTo, lastOffset)
          : undefined;
    const ids = await markRead(tx, userId, 'ids' in selection ? selection : { upTo: upTo ?? 0 });
    if (ids.length === 0) return { updated: 0, unread, entry: undefined };
    const entry = await append(tx, channel, -ids.length, (state) => ({
      kind: 'read',
      ...(upTo === undefined ? { ids } : { upTo }),
      unread: state.unread,
    }));
    return { updated: ids.length, unread: entry.unread, entry };
  });
  if (done.entry !== undefined) publish(channel, done.entry);
  return { updated: done.updated, unread: done.unread };
}

/** Marks one notification read or unread. @throws {Problem} `not_found`, also for another's. */
export async function setRead(db: Db, publish: Publish, userId: string, id: string, wanted: boolean) {
  const before = await findNotification(db, userId, id);
  if (before === undefined) throw new Problem('not_found');
  if (wanted) await read(db, publish, userId, { ids: [id] });
  else await unread(db, publish, userId, id);
  const after = await findNotification(db, userId, id);
  if (after === undefined) throw new Problem('not_found');
  return after;
}

/** Shows a notification again as unread: it is published anew, at the next offset. */
async function unread(db: Db, publish: Publish, userId: string, id: string): Promise<void> {
  const channel = userChannel(userId);
  const entry = await db.transaction(async (tx) => {
    await lockStream(tx, channel);
    const row = await findNotification(tx, userId, id);
    if (row === undefined || !row.read) return undefined;
    const appended = await append(tx, channel, 1, (state) => ({
      kind: 'notification',
      notification: toNotification({ ...row, read: false, entryOffset: state.offset }),
      unread: state.unread,
    }));
    await markUnread(tx, id, appended.offset);
    return appended;
  });
  if (entry !== undefined) publish(channel, entry);
}

/** Deletes a notification, on every device, and withdraws it from the stream's history. */
export async function remove(db: Db, publish: Publish, userId: string, id: string): Promise<void> {
  const channel = userChannel(userId);
  const entry = await db.transaction(async (tx) => {
    await lockStream(tx, channel);
    const row = await findNotification(tx, userId, id);
    if (row === undefined) throw new Problem('not_found');
    await deleteNotification(tx, id);
    await withdraw(tx, channel, row.entryOffset);
    return append(tx, channel, row.read ? 0 : -1, (state) => ({
      kind: 'deleted',
      ids: [id],
      unread: state.unread,
    }));
  });
  publish(channel, entry);
}
