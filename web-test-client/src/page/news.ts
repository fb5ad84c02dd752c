import type { Inbox } from './inbox.ts';
import { PATHS } from './paths.ts';
import type { Toasts } from './toasts.ts';
import type { Notification } from './types.ts';

/** More than this at once, and one message stands for all. */
const AT_ONCE = 3;

/** Shows what arrives as short messages; what was missed comes in a bunch. */
export function announceArrivals(inbox: Inbox, toasts: Toasts): void {
  let waiting: Notification[] = [];
  inbox.onArrival((notification) => {
    waiting.push(notification);
    if (waiting.length === 1) setTimeout(flush);
  });

  function flush(): void {
    const arrived = waiting;
    waiting = [];
    if (arrived.length > AT_ONCE) {
      toasts.show({ title: `${arrived.length} new notifications`, link: PATHS.notifications });
      return;
    }
    for (const { id, title, message, data } of arrived) {
      const onOpen = () => void inbox.read([id]).catch(toasts.fail);
      toasts.show({ title, text: message, link: localLink(data.link), onOpen });
    }
  }
}

/** A link of a notification, if it stays on this page. */
export function localLink(link: unknown): string | undefined {
  if (typeof link !== 'string' || !URL.canParse(link, location.origin)) return undefined;
  const { origin, pathname, hash } = new URL(link, location.origin);
  return origin === location.origin ? pathname + hash : undefined;
}
