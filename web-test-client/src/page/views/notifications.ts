import type { Context, View } from '../context.ts';
import { action, fill, h } from '../dom.ts';
import { ago, exactly, plural } from '../format.ts';
import { localLink } from '../news.ts';
import type { Notification } from '../types.ts';

export const notifications: View = (context, { leaving }) => {
  const { inbox, toasts } = context;
  const list = h('ul', { class: 'notifications', 'data-testid': 'notifications' });
  const status = h('p', { class: 'status', role: 'status' });
  const more = action('Load more', inbox.more, toasts.fail, { class: 'more' });
  const readAll = action('Mark all read', inbox.readAll, toasts.fail);
  const shown = new Map<string, { item: Notification; row: HTMLElement }>();

  inbox.items.watch((items) => {
    for (const [id, { row }] of shown) {
      if (items.some((item) => item.id === id)) continue;
      row.remove();
      shown.delete(id);
    }
    items.forEach((item, at) => {
      const before = shown.get(item.id);
      if (before?.item === item && list.children[at] === before.row) return;
      const row = before?.item === item ? before.row : createRow(context, item);
      before?.row.remove();
      shown.set(item.id, { item, row });
      list.insertBefore(row, list.children[at] ?? null);
    });
  }, leaving);
  inbox.hasMore.watch((hasMore) => {
    more.hidden = !hasMore;
  }, leaving);
  inbox.unread.watch((unread) => {
    readAll.hidden = unread === 0;
    fill(status, unread === 0 ? 'All read.' : `${plural(unread, 'notification')} unread.`);
  }, leaving);

  return h(
    'section',
    { class: 'narrow wide' },
    h('div', { class: 'heading' }, h('h1', {}, 'Notifications'), readAll),
    status,
    list,
    more,
  );
};

function createRow({ inbox, toasts }: Context, item: Notification): HTMLElement {
  const { id, title, message, data, read, createdAt, priority } = item;
  const link = localLink(data.link);
  const open = () => {
    if (!read) inbox.read([id]).catch(toasts.fail);
  };
  const words = [h('strong', {}, title), h('span', {}, message)];
  const body = link === undefined ? h('div', {}, ...words) : h('a', { href: link, onclick: open }, ...words);
  const toggle = action(read ? 'Mark unread' : 'Mark read', () => inbox.setRead(id, !read), toasts.fail, {
    class: 'quiet',
  });
  const remove = action('Delete', () => inbox.remove(id), toasts.fail, { class: 'quiet danger' });
  const time = h('time', { datetime: createdAt, title: exactly(createdAt) }, ago(createdAt));
  return h(
    'li',
    { class: `card notification ${read ? '' : 'unread'}`, 'data-id': id, 'data-priority': priority },
    body,
    h(
      'div',
      { class: 'actions' },
      h('span', { class: 'meta' }, time, !read && h('span', { class: 'hidden' }, ' · unread')),
      toggle,
      remove,
    ),
  );
}
