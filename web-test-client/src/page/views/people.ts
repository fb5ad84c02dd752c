import { type Page, queryOf } from '../api.ts';
import type { View } from '../context.ts';
import { confirm } from '../dialog.ts';
import { action, fill, h } from '../dom.ts';
import { createForm, input, select } from '../form.ts';
import { ago } from '../format.ts';
import { createPager } from '../pager.ts';
import { profilePath } from '../paths.ts';
import type { User } from '../types.ts';

export const people: View = async ({ api, toasts }) => {
  const q = input('search', { autocomplete: 'off' });
  const role = select({ '': 'Any', USER: 'User', MODERATOR: 'Moderator', ADMIN: 'Administrator' });
  const rows = h('tbody', { 'data-testid': 'people' });

  function createRow(user: User): HTMLTableRowElement {
    const { id, username, email, createdAt } = user;
    const promote = async () => {
      if (!(await confirm(`Make @${username} a moderator?`, 'Promote'))) return;
      const promoted = await api.call<User>('POST', 'auth', `/auth/promote/${id}`);
      row.replaceWith(createRow(promoted));
      toasts.show({ title: `@${username} is a moderator now` });
    };
    const row = h(
      'tr',
      {},
      h('th', { scope: 'row' }, h('a', { href: profilePath(id) }, `@${username}`)),
      h('td', {}, email),
      h('td', {}, user.role),
      h('td', {}, ago(createdAt)),
      h(
        'td',
        {},
        user.role === 'USER' &&
          action('Promote', promote, toasts.fail, { 'aria-label': `Promote @${username}` }),
      ),
    );
    return row;
  }

  const pager = createPager<User>({
    load: (cursor) =>
      api.call<Page<User>>(
        'GET',
        'auth',
        `/auth/users${queryOf({ q: q.value.trim(), role: role.value, cursor })}`,
      ),
    show: (users) => rows.append(...users.map(createRow)),
    empty: 'Nobody.',
  });
  async function reload(): Promise<void> {
    fill(rows);
    await pager.start();
  }

  const search = createForm({
    fields: [
      { name: 'q', label: 'Username or e-mail', control: q, hint: 'How it begins' },
      { name: 'role', label: 'Role', control: role },
    ],
    submitLabel: 'Search',
    submit: reload,
  });
  search.classList.add('card', 'inline');
  await reload();
  const heads = ['Username', 'E-mail', 'Role', 'Joined', ''].map((name) => h('th', { scope: 'col' }, name));
  const table = h('table', {}, h('thead', {}, h('tr', {}, ...heads)), rows);
  return h('section', {}, h('h1', {}, 'People'), search, h('div', { class: 'scroll' }, table), pager.element);
};
