import { describe, expect, test } from 'bun:test';
import { eventually } from '@tertulia/shared/testing/eventually';
import type { Api, Page } from './api.ts';
import { createInbox } from './inbox.ts';
import type { Notification } from './types.ts';

const make = (offset: number, read = false): Notification => ({
  id: `0190-${String(offset).padStart(4, '0')}`,
  offset,
  type: 'new_comment',
  title: `number ${offset}`,
  message: '',
  priority: 'medium',
  data: {},
  read,
  createdAt: new Date(0).toISOString(),
});

/** A service whose pages come when the test says so. */
function createService() {
  const asked: PromiseWithResolvers<Page<Notification>>[] = [];
  const call = () => {
    const answer = Promise.withResolvers<Page<Notification>>();
    asked.push(answer);
    return answer.promise;
  };
  const api = { call } as unknown as Api;
  return { inbox: createInbox(api), asked };
}

const offsets = (items: readonly Notification[]) => items.map(({ offset }) => offset);
const settled = (look: () => boolean) => eventually(look, { every: 1 });

describe('the inbox', () => {
  test('entries that come while a page is on its way are newer than that page', async () => {
    const { inbox, asked } = createService();
    inbox.reload();
    inbox.apply({ kind: 'notification', notification: make(3), unread: 3 });
    inbox.apply({ kind: 'read', ids: [make(1).id], unread: 2 });
    await settled(() => asked.length === 1);
    asked[0]?.resolve({ items: [make(2), make(1)], nextCursor: null });
    await settled(() => inbox.unread.get() === 2);
    expect(offsets(inbox.items.get())).toEqual([3, 2, 1]);
    expect(inbox.items.get().map(({ read }) => read)).toEqual([false, false, true]);
  });

  test('an entry that the page has already is shown once, and still told of', async () => {
    const { inbox, asked } = createService();
    const told: number[] = [];
    inbox.onArrival(({ offset }) => told.push(offset));
    inbox.reload();
    await settled(() => asked.length === 1);
    asked[0]?.resolve({ items: [make(2), make(1)], nextCursor: null });
    inbox.apply({ kind: 'notification', notification: make(2), unread: 2 });
    await settled(() => inbox.unread.get() === 2);
    expect([offsets(inbox.items.get()), told]).toEqual([[2, 1], [2]]);
  });

  test('all read, deleted, void', async () => {
    const { inbox, asked } = createService();
    inbox.reload();
    await settled(() => asked.length === 1);
    asked[0]?.resolve({ items: [make(3), make(2), make(1)], nextCursor: 'more' });
    inbox.apply({ kind: 'read', upTo: 2, unread: 1 });
    inbox.apply({ kind: 'void' });
    inbox.apply({ kind: 'deleted', ids: [make(3).id], unread: 0 });
    await settled(() => inbox.unread.get() === 0 && inbox.items.get().length === 2);
    expect(inbox.items.get().every(({ read }) => read)).toBe(true);
    expect(inbox.hasMore.get()).toBe(true);
  });

  test('what was asked for by one person is not shown to the next', async () => {
    const { inbox, asked } = createService();
    inbox.reload();
    await settled(() => asked.length === 1);
    inbox.clear();
    inbox.reload();
    asked[0]?.resolve({ items: [make(1)], nextCursor: null });
    await settled(() => asked.length === 2);
    expect(inbox.items.get()).toEqual([]);
    asked[1]?.resolve({ items: [make(2)], nextCursor: null });
    await settled(() => inbox.items.get().length === 1);
    expect(offsets(inbox.items.get())).toEqual([2]);
  });

  test('a page that could not be loaded is remembered as missing', async () => {
    const { inbox, asked } = createService();
    inbox.reload();
    await settled(() => asked.length === 1);
    asked[0]?.reject(new Error('no network'));
    await settled(() => inbox.incomplete());
  });
});
