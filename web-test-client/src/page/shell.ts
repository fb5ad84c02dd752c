import type { Context } from './context.ts';
import { action, fill, h } from './dom.ts';
import { type IconName, icon } from './icons.ts';
import { PATHS, profilePath } from './paths.ts';
import { atLeast } from './types.ts';

const SERVICES = {
  auth: 'Auth',
  media: 'Media',
  comments: 'Comments',
  notifications: 'Notifications',
} as const;

/** What stands around every view: brand, navigation, who one is, whether one is connected. */
export function createShell(context: Context) {
  const nav = h('nav', { 'aria-label': 'Main' });
  const account = h('div', { class: 'account' });
  const main = h('main', { id: 'main', tabindex: -1 });
  const badge = h('span', { class: 'badge', 'data-testid': 'unread-badge', hidden: true });
  const brand = h('a', { href: PATHS.library, class: 'brand' }, icon('talk'), h('span', {}, 'Tertulia'));
  const pill = createPill(context);
  let path: string = location.pathname;

  function entry(to: string, name: IconName, label: string, extra?: Node) {
    const current = to === path ? 'page' : undefined;
    return h('a', { href: to, 'aria-current': current }, icon(name), h('span', {}, label), extra);
  }

  function render(): void {
    const user = context.session.current.get()?.user;
    const own = [
      entry(PATHS.upload, 'upload', 'Upload'),
      entry(PATHS.notifications, 'bell', 'Notifications', badge),
    ];
    fill(
      nav,
      entry(PATHS.library, 'library', 'Library'),
      ...(user === undefined ? [] : own),
      entry(PATHS.frames, 'frames', 'Frames'),
      atLeast(user?.role, 'ADMIN') && entry(PATHS.people, 'people', 'People'),
    );
    if (user === undefined) {
      const to = (href: string, label: string, name: string) =>
        h('a', { href, class: `button ${name}` }, label);
      fill(account, to(PATHS.signIn, 'Sign in', ''), to(PATHS.signUp, 'Sign up', 'primary'));
      return;
    }
    const name = h(
      'a',
      { href: profilePath(user.id), class: 'who', 'data-testid': 'who' },
      `@${user.username}`,
    );
    const settings = h(
      'a',
      { href: PATHS.account, class: 'settings', 'aria-label': 'Account', title: 'Account' },
      icon('person'),
    );
    const out = action(
      'Sign out',
      () => context.session.signOut().then(() => context.go(PATHS.library)),
      context.toasts.fail,
    );
    fill(account, pill, name, settings, out);
  }

  context.session.current.watch(render);
  context.inbox.unread.watch((count) => {
    badge.hidden = count === 0;
    fill(badge, count > 99 ? '99+' : count, h('span', { class: 'hidden' }, ' unread'));
  });

  const skip = h('a', { href: '#main', class: 'skip' }, 'Skip to content');
  document.body.append(
    skip,
    h('header', { class: 'top' }, h('div', { class: 'bar' }, brand, nav, account)),
    main,
    createFooter(context),
    context.toasts.element,
  );
  return {
    main,
    onShow(shown: string) {
      path = shown;
      render();
    },
  };
}

const WORDS = { connected: 'Live', connecting: 'Connecting…', disconnected: 'Not connected' } as const;

function createPill({ live }: Context): HTMLElement {
  const text = h('span', { role: 'status' });
  const pill = h('a', { href: PATHS.frames, class: 'pill', 'data-testid': 'connection' }, text);
  live.state.watch(({ status, reason }) => {
    pill.dataset.status = status;
    pill.title = status === 'connected' ? '' : (reason ?? '');
    fill(text, WORDS[status]);
  });
  return pill;
}

function createFooter({ addresses }: Context): HTMLElement {
  const links = Object.entries(SERVICES).map(([name, label]) =>
    h(
      'a',
      { href: `${addresses[name as keyof typeof SERVICES]}/api/docs`, target: '_blank', rel: 'noopener' },
      label,
    ),
  );
  const hint =
    'Unless you stay signed in, every tab signs in by itself: open a second one to be somebody else.';
  return h('footer', {}, h('span', {}, 'API documentation'), ...links, h('span', { class: 'hint' }, hint));
}
