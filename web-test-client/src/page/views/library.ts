import { type Page, queryOf } from '../api.ts';
import type { Context, View } from '../context.ts';
import { fill, h } from '../dom.ts';
import { select } from '../form.ts';
import { createPager } from '../pager.ts';
import { PATHS } from '../paths.ts';
import type { Media } from '../types.ts';
import { mediaCard } from './media-card.ts';

export const library: View = async (context) => {
  const signedIn = context.session.current.get() !== undefined;
  const kind = select({ '': 'All kinds', image: 'Pictures', video: 'Videos', audio: 'Sound' });
  const owner = select({ '': 'Everybody’s', me: 'Mine' });
  const sort = select({ newest: 'Newest first', oldest: 'Oldest first' });
  const grid = createGrid(context, () => ({
    kind: kind.value,
    owner: signedIn ? owner.value : '',
    sort: sort.value,
  }));
  for (const control of [kind, owner, sort]) control.addEventListener('change', () => void grid.reload());
  const filter = (label: string, control: HTMLSelectElement) =>
    h('label', {}, h('span', { class: 'hidden' }, label), control);
  const filters = h(
    'div',
    { class: 'filters' },
    filter('Kind', kind),
    signedIn && filter('Owner', owner),
    filter('Order', sort),
  );
  await grid.reload();
  return h(
    'div',
    {},
    !signedIn && hero(),
    h(
      'section',
      {},
      h('div', { class: 'heading' }, h(signedIn ? 'h1' : 'h2', {}, 'Library'), filters),
      grid.element,
    ),
  );
};

/** Media as cards, a page at a time. */
export function createGrid({ api, addresses }: Context, filters: () => Record<string, string>) {
  const list = h('ul', { class: 'grid', 'data-testid': 'media-list' });
  const pager = createPager<Media>({
    load: (cursor) =>
      api.call<Page<Media>>('GET', 'media', `/media${queryOf({ ...filters(), cursor, limit: 24 })}`),
    show: (items) => list.append(...items.map((item) => h('li', {}, mediaCard(item, addresses.media)))),
    empty: 'Nothing here yet.',
  });
  return {
    element: h('div', {}, list, pager.element),
    async reload(): Promise<void> {
      fill(list);
      await pager.start();
    },
  };
}

function hero(): Node {
  return h(
    'section',
    { class: 'hero' },
    h('h1', {}, 'Pictures, film and sound, and the talk about them.'),
    h('p', {}, 'Upload something, show it to the others, and hear at once what they say.'),
    h(
      'div',
      { class: 'actions' },
      h('a', { href: PATHS.signUp, class: 'button primary' }, 'Make an account'),
      h('a', { href: PATHS.signIn, class: 'button' }, 'Sign in'),
    ),
  );
}
