import { type Page, queryOf } from '../api.ts';
import type { Context, View } from '../context.ts';
import { action, fill, h } from '../dom.ts';
import { createForm, input, select } from '../form.ts';
import { ago } from '../format.ts';
import { createPager } from '../pager.ts';
import { PATHS, profilePath } from '../paths.ts';
import type { User } from '../types.ts';
import { changeRole, liftSuspension, ROLES, resetFactors, suspend } from './moderation.ts';

export const people: View = async (context) => {
  const q = input('search', { autocomplete: 'off' });
  const role = select({ '': 'Any', ...ROLES });
  const status = select({ '': 'Any', active: 'Active', suspended: 'Suspended', deleting: 'Being deleted' });
  const rows = h('tbody', { 'data-testid': 'people' });

  const pager = createPager<User>({
    load: (cursor) =>
      context.api.call<Page<User>>(
        'GET',
        'auth',
        `/auth/users${queryOf({ q: q.value.trim(), role: role.value, status: status.value, cursor })}`,
      ),
    show: (users) => rows.append(...users.map((user) => createRow(context, user))),
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
      { name: 'status', label: 'Status', control: status },
    ],
    submitLabel: 'Search',
    submit: reload,
  });
  search.classList.add('card', 'inline');
  await reload();
  const heads = ['Username', 'E-mail', 'Role', 'Joined', 'Actions'].map((name) =>
    h('th', { scope: 'col' }, name),
  );
  const table = h('table', {}, h('thead', {}, h('tr', {}, ...heads)), rows);
  return h(
    'section',
    {},
    h(
      'div',
      { class: 'heading' },
      h('h1', {}, 'People'),
      h('a', { href: PATHS.audit, class: 'button' }, 'Audit log'),
    ),
    search,
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table of people' }, table),
    pager.element,
  );
};

function createRow(context: Context, user: User): HTMLTableRowElement {
  const { fail } = context.toasts;
  const { id, username, email, role, status, createdAt } = user;
  const own = context.session.current.get()?.user.id === id;
  const become = (changed: User) => row.replaceWith(createRow(context, changed));
  const button = (label: string, work: () => unknown, danger = false) =>
    action(label, work, fail, {
      class: danger ? 'quiet danger' : 'quiet',
      'aria-label': `${label}: @${username}`,
    });
  const suspended = status === 'suspended';
  const row = h(
    'tr',
    {},
    h('th', { scope: 'row' }, h('a', { href: profilePath(id) }, `@${username}`)),
    h('td', {}, email),
    h('td', {}, role, status !== 'active' && h('span', { class: 'tag' }, status)),
    h('td', {}, ago(createdAt)),
    h(
      'td',
      {},
      h(
        'div',
        { class: 'actions' },
        button('Role', () => changeRole(context, user, become)),
        !own && role !== 'ADMIN' && !suspended
          ? button(
              'Suspend',
              () => suspend(context, user, () => become({ ...user, status: 'suspended' })),
              true,
            )
          : undefined,
        suspended &&
          button('End suspension', () =>
            liftSuspension(context, user, () => become({ ...user, status: 'active' })),
          ),
        !own && button('Reset factors', () => resetFactors(context, user)),
        h(
          'a',
          {
            href: `${PATHS.audit}?userId=${id}`,
            class: 'button quiet',
            'aria-label': `Audit log of @${username}`,
          },
          'Log',
        ),
      ),
    ),
  );
  return row;
}
