import { type Page, queryOf } from '../../api.ts';
import type { Context } from '../../context.ts';
import { confirm } from '../../dialog.ts';
import { action, fill, h } from '../../dom.ts';
import { ago, exactly } from '../../format.ts';
import { createPager } from '../../pager.ts';
import { PATHS } from '../../paths.ts';
import { deviceOf } from './device.ts';
import { hint, section } from './section.ts';

type OneSession = {
  id: string;
  device: string | null;
  address: string;
  createdAt: string;
  lastUsedAt: string;
  current: boolean;
};

/** Where one is signed in; each can be ended from here. */
export async function sessionsSection(context: Context): Promise<HTMLElement> {
  const { api, go, session, toasts } = context;
  const list = h('ul', { class: 'plain rows', 'data-testid': 'sessions' });
  const pager = createPager<OneSession>({
    load: (cursor) => api.call<Page<OneSession>>('GET', 'auth', `/auth/sessions${queryOf({ cursor })}`),
    show: (items) => list.append(...items.map(createRow)),
    empty: 'None.',
  });

  function createRow(one: OneSession): HTMLElement {
    const { id, device, address, createdAt, lastUsedAt, current } = one;
    const name = deviceOf(device);
    const end = async () => {
      await api.call('DELETE', 'auth', `/auth/sessions/${id}`);
      row.remove();
      toasts.show({ title: 'Session ended', text: `${name} is signed out.` });
    };
    const row = h(
      'li',
      {},
      h(
        'div',
        {},
        h('strong', { title: device ?? '' }, name),
        current && h('span', { class: 'tag' }, 'This one'),
        h(
          'p',
          { class: 'meta' },
          `${address} · used `,
          h('time', { datetime: lastUsedAt, title: exactly(lastUsedAt) }, ago(lastUsedAt)),
          ` · since ${ago(createdAt)}`,
        ),
      ),
      !current &&
        action('End', end, toasts.fail, {
          class: 'quiet danger',
          'aria-label': `End the session of ${name}`,
        }),
    );
    return row;
  }

  async function endAll(): Promise<void> {
    if (!(await confirm('Sign out everywhere, here too?', 'Sign out everywhere'))) return;
    await api.call('POST', 'auth', '/auth/logout-all');
    await session.signOut();
    toasts.show({ title: 'Signed out everywhere' });
    go(PATHS.signIn);
  }

  async function reload(): Promise<void> {
    fill(list);
    await pager.start();
  }
  await reload();
  return section(
    'Sessions',
    hint('Where you are signed in. What you do not know, end, and change your password.'),
    list,
    pager.element,
    h(
      'div',
      { class: 'actions' },
      action('Look again', reload, toasts.fail),
      action('Sign out everywhere', endAll, toasts.fail, { class: 'danger' }),
    ),
  );
}
