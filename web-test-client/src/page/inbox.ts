import { type Api, type Page, queryOf } from './api.ts';
import { type Cell, createCell } from './cell.ts';
import type { Notification, StreamEntry } from './types.ts';

export type Inbox = {
  /** Newest first: what has been loaded, and what came live. */
  items: Cell<readonly Notification[]>;
  unread: Cell<number>;
  /** More is on the server. */
  hasMore: Cell<boolean>;
  /** Called with each that came live or was missed, once. */
  onArrival(listener: (notification: Notification) => void, until?: AbortSignal): void;
  /** Applies an entry of the stream, in its turn. */
  apply(entry: StreamEntry): void;
  count(unread: number): void;
  reload(): void;
  /** The last reload failed. */
  incomplete(): boolean;
  more(): Promise<void>;
  read(ids: string[]): Promise<void>;
  readAll(): Promise<void>;
  setRead(id: string, read: boolean): Promise<void>;
  remove(id: string): Promise<void>;
  clear(): void;
};

/** The notifications of whoever is signed in. Changes are shown when the stream tells of them, on every device. */
export function createInbox(api: Api): Inbox {
  const items = createCell<readonly Notification[]>([]);
  const unread = createCell(0);
  const hasMore = createCell(false);
  const listeners = new Set<(notification: Notification) => void>();
  const returning = new Set<string>();
  let cursor: string | null = null;
  // Pages and entries take turns: an entry that comes while a page is on its way is newer than that page.
  let turn: Promise<unknown> = Promise.resolve();
  let generation = 0;
  let incomplete = false;

  function inTurn(work: () => Promise<void> | void): Promise<void> {
    const of = generation;
    const done = turn.then(() => (of === generation ? work() : undefined));
    turn = done.catch(() => {});
    return done;
  }

  async function load(after: string | null): Promise<void> {
    const of = generation;
    const page = await api.call<Page<Notification>>(
      'GET',
      'notifications',
      `/notifications${queryOf({ cursor: after })}`,
    );
    if (of !== generation) return;
    cursor = page.nextCursor;
    hasMore.set(cursor !== null);
    items.set(after === null ? page.items : merge(items.get(), page.items));
  }

  function take(entry: StreamEntry): void {
    if (entry.kind === 'void') return;
    unread.set(entry.unread);
    const before = items.get();
    if (entry.kind === 'notification') {
      const { notification } = entry;
      items.set(merge([notification], before));
      // What one has marked unread oneself comes again, and is no news.
      if (!returning.delete(notification.id)) for (const listener of listeners) listener(notification);
    } else if (entry.kind === 'deleted') {
      items.set(before.filter(({ id }) => !entry.ids.includes(id)));
    } else {
      const { ids = [], upTo = 0 } = entry;
      items.set(
        before.map((item) => (ids.includes(item.id) || item.offset <= upTo ? { ...item, read: true } : item)),
      );
    }
  }

  const post = (body: unknown) => api.call<void>('POST', 'notifications', '/notifications/read', { body });

  return {
    items,
    unread,
    hasMore,
    onArrival(listener, until) {
      listeners.add(listener);
      until?.addEventListener('abort', () => listeners.delete(listener), { once: true });
    },
    apply: (entry) => void inTurn(() => take(entry)),
    count: (count) => void inTurn(() => unread.set(count)),
    reload() {
      incomplete = false;
      inTurn(() => load(null)).catch(() => {
        incomplete = true;
      });
    },
    incomplete: () => incomplete,
    more: () => inTurn(() => load(cursor)),
    read: (ids) => post({ ids }),
    readAll: () => post({ all: true }),
    setRead(id, read) {
      if (!read) returning.add(id);
      return api.call('PATCH', 'notifications', `/notifications/${id}`, { body: { read } });
    },
    remove: (id) => api.call('DELETE', 'notifications', `/notifications/${id}`),
    clear() {
      generation++;
      cursor = null;
      items.set([]);
      unread.set(0);
      hasMore.set(false);
    },
  };
}

/** Each once, as it stands in the first list; newest first, as UUIDv7s sort. */
function merge(first: readonly Notification[], second: readonly Notification[]): Notification[] {
  const byId = new Map([...second, ...first].map((item) => [item.id, item]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
}
