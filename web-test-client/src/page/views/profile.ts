import type { View } from '../context.ts';
import { openForm } from '../dialog.ts';
import { action, fill, h } from '../dom.ts';
import { input, textarea } from '../form.ts';
import { ago } from '../format.ts';
import { PATHS } from '../paths.ts';
import { atLeast, type PublicProfile, type User } from '../types.ts';
import { createGrid } from './library.ts';
import { liftSuspension, suspend } from './moderation.ts';

export const profile: View = async (context, { id, leaving }) => {
  const { api, session, toasts } = context;
  let person = await api.call<PublicProfile>('GET', 'auth', `/auth/users/${id}`, { signal: leaving });
  const head = h('div', { class: 'details' });
  const own = session.current.get()?.user.id === id;

  function edit(): void {
    openForm(
      'Edit your profile',
      [
        { name: 'displayName', label: 'Name', control: input('text', { value: person.displayName ?? '' }) },
        { name: 'bio', label: 'About you', control: textarea(person.bio ?? '', { rows: 4 }) },
      ],
      'Save',
      async ({ displayName, bio }) => {
        const body = { displayName: displayName || null, bio: bio || null };
        const user = await api.call<User>('PATCH', 'auth', '/auth/profile', { body });
        const signedIn = session.current.get();
        if (signedIn !== undefined) session.current.set({ ...signedIn, user });
        person = user;
        show();
      },
    );
  }

  function show(): void {
    const { username, displayName, bio, role, createdAt } = person;
    document.title = `@${username} · Tertulia`;
    fill(
      head,
      h('h1', {}, displayName ?? `@${username}`),
      h(
        'p',
        { class: 'meta' },
        `@${username} · here since ${ago(createdAt)} `,
        role !== 'USER' && h('span', { class: 'tag' }, role),
      ),
      h('p', { class: 'prose' }, bio),
      own &&
        h(
          'div',
          { class: 'actions' },
          action('Edit profile', edit, toasts.fail),
          h('a', { href: PATHS.account, class: 'button' }, 'Account and security'),
        ),
      !own && moderation(person),
    );
  }

  /** Nobody suspends their equals. */
  function moderation({ username, role }: PublicProfile): Node | false {
    const mine = session.current.get()?.user.role;
    if (!atLeast(mine, 'MODERATOR') || role === 'ADMIN' || mine === role) return false;
    const whom = { id, username };
    return h(
      'div',
      { class: 'actions' },
      action('Suspend', () => suspend(context, whom), toasts.fail, { class: 'danger' }),
      action('End suspension', () => liftSuspension(context, whom), toasts.fail),
    );
  }

  show();
  const grid = createGrid(context, () => ({ owner: id }));
  await grid.reload();
  return h('section', {}, head, grid.element);
};
