import type { Context, View } from './context.ts';
import { fill, h } from './dom.ts';
import { createMailToken } from './mail-token.ts';
import { PATHS, type PathName } from './paths.ts';
import { messageOf } from './problem.ts';
import { account } from './views/account/account.ts';
import { audit } from './views/audit.ts';
import { forgotPassword, resetPassword } from './views/forgotten.ts';
import { frames } from './views/frames.ts';
import { library } from './views/library.ts';
import { media } from './views/media.ts';
import { notifications } from './views/notifications.ts';
import { people } from './views/people.ts';
import { profile } from './views/profile.ts';
import { signIn } from './views/sign-in.ts';
import { signUp } from './views/sign-up.ts';
import { upload } from './views/upload.ts';
import { verifyEmail } from './views/verify-email.ts';

type Route = { view: View; title: string; needs?: 'user' };

const ROUTES: Record<PathName, Route> = {
  library: { view: library, title: 'Library' },
  signIn: { view: signIn, title: 'Sign in' },
  signUp: { view: signUp, title: 'Sign up' },
  forgotPassword: { view: forgotPassword, title: 'Forgotten password' },
  resetPassword: { view: resetPassword, title: 'New password' },
  verifyEmail: { view: verifyEmail, title: 'Confirm your address' },
  account: { view: account, title: 'Account', needs: 'user' },
  sessions: { view: account, title: 'Account', needs: 'user' },
  upload: { view: upload, title: 'Upload', needs: 'user' },
  media: { view: media, title: 'Media' },
  profile: { view: profile, title: 'Profile' },
  notifications: { view: notifications, title: 'Notifications', needs: 'user' },
  frames: { view: frames, title: 'Frames' },
  people: { view: people, title: 'People', needs: 'user' },
  audit: { view: audit, title: 'Audit log', needs: 'user' },
};

/** Shows the view of the current address in `main`; links of this page change it without a reload. */
export function startRouter(context: Context, main: HTMLElement, onShow: (path: string) => void): void {
  let leaving = new AbortController();
  const takeToken = createMailToken();

  async function show(): Promise<void> {
    leaving.abort();
    leaving = new AbortController();
    const { signal } = leaving;
    const { route, id } = find(location.pathname);
    const token = takeToken();
    onShow(location.pathname);
    if (route?.needs === 'user' && context.session.current.get() === undefined) {
      navigate(`${PATHS.signIn}?next=${encodeURIComponent(location.pathname)}`, 'replace');
      return;
    }
    document.title = `${route?.title ?? 'Not found'} · Tertulia`;
    try {
      const view =
        route === undefined ? missing() : await route.view(context, { id, leaving: signal, token });
      if (signal.aborted) return;
      fill(main, view);
    } catch (error) {
      if (signal.aborted) return;
      fill(
        main,
        h('h1', {}, 'This did not work'),
        h('p', { role: 'alert', class: 'problem' }, messageOf(error)),
      );
    }
    scrollTo(0, 0);
  }

  function navigate(path: string, how: 'push' | 'replace' = 'push'): void {
    if (how === 'push') history.pushState(null, '', path);
    else history.replaceState(null, '', path);
    void show().then(() => {
      // A screen reader goes on from the new heading, not from a link that is gone.
      const heading = main.querySelector('h1');
      heading?.setAttribute('tabindex', '-1');
      if (document.activeElement === document.body) heading?.focus({ preventScroll: true });
    });
  }
  context.go = navigate;

  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (link === null || !plain || link.target !== '' || link.hasAttribute('download')) return;
    const url = new URL(link.href, location.href);
    if (url.origin !== location.origin || find(url.pathname).route === undefined) return;
    if (link.classList.contains('skip')) return;
    event.preventDefault();
    navigate(url.pathname + url.search + url.hash);
  });
  addEventListener('popstate', () => {
    // The skip link only moves the focus.
    if (location.hash !== '#main') void show();
  });

  // Signing in or out changes what every page shows.
  let user = context.session.current.get()?.user.id;
  context.session.current.watch((signedIn) => {
    if (signedIn?.user.id === user) return;
    user = signedIn?.user.id;
    void show();
  });
  void show();
}

function find(pathname: string): { route: Route | undefined; id: string } {
  for (const [name, path] of Object.entries(PATHS)) {
    const [before = '', after] = path.split(':id');
    const id = pathname.slice(before.length);
    const fits = after === undefined ? pathname === path : pathname.startsWith(before) && /^[^/]+$/.test(id);
    if (fits) return { route: ROUTES[name as PathName], id: after === undefined ? '' : id };
  }
  return { route: undefined, id: '' };
}

function missing(): Node {
  const text = h(
    'p',
    {},
    'There is nothing at this address. ',
    h('a', { href: PATHS.library }, 'To the library'),
  );
  return h('section', {}, h('h1', {}, 'Not found'), text);
}
