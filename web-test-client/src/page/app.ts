import { createApi } from './api.ts';
import { loadAddresses } from './config.ts';
import type { Context } from './context.ts';
import { h } from './dom.ts';
import { createFrameLog } from './frames.ts';
import { createInbox } from './inbox.ts';
import { createLive } from './live.ts';
import { announceArrivals } from './news.ts';
import { messageOf } from './problem.ts';
import { startRouter } from './router.ts';
import { createSession } from './session.ts';
import { createShell } from './shell.ts';
import { createToasts } from './toasts.ts';
import { createUploads } from './uploads.ts';

async function start(): Promise<void> {
  const addresses = await loadAddresses();
  const toasts = createToasts();
  const session = createSession(addresses.auth, () => toasts.show({ title: 'Your session has ended' }));
  const api = createApi(addresses, session);
  const inbox = createInbox(api);
  const frameLog = createFrameLog();
  announceArrivals(inbox, toasts);
  const context: Context = {
    addresses,
    session,
    api,
    inbox,
    toasts,
    frameLog,
    live: createLive({ address: addresses.notifications, session, inbox, frameLog }),
    uploads: createUploads(addresses.media, session),
    go() {},
  };
  await session.resume();
  const { main, onShow } = createShell(context);
  startRouter(context, main, onShow);
}

start().catch((error: unknown) => {
  document.body.append(h('main', {}, h('p', { role: 'alert', class: 'problem' }, messageOf(error))));
});
