import type { Context } from '../context.ts';
import { action, fill, h } from '../dom.ts';
import { until } from '../format.ts';
import { type ApiProblem, isProblem, messageOf } from '../problem.ts';
import type { Credentials } from './sign-in.ts';
import { card } from './sign-in-fields.ts';

/** A card that says what keeps somebody out of their account, and what they can do; for other problems none. */
export function refusal(
  context: Context,
  error: unknown,
  credentials: Credentials,
  restart: () => void,
): HTMLElement | undefined {
  const back = action('Back', restart, context.toasts.fail);
  if (isProblem(error, 'account_suspended')) return suspended(error, back);
  if (isProblem(error, 'account_ending')) return ending(context, error, credentials, restart, back);
  if (isProblem(error, 'rate_limited')) return limited(error, back);
  if (isProblem(error, 'invalid_token')) {
    return card(
      'That took too long',
      h('p', { role: 'alert' }, 'The second step is only open for a while.'),
      back,
    );
  }
  return undefined;
}

function suspended({ more }: ApiProblem, back: Node): HTMLElement {
  const end = more.until ? `until ${until(more.until)}` : 'until further notice';
  return card(
    'Your account is suspended',
    h('p', { role: 'alert' }, `You cannot sign in ${end}.`),
    h('p', {}, h('strong', {}, 'Reason: '), more.reason ?? 'none was given.'),
    back,
  );
}

function limited({ more, message }: ApiProblem, back: Node): HTMLElement {
  const at = new Date(Date.now() + (more.retryAfter ?? 0) * 1000);
  const when = at.toLocaleTimeString('en', { timeStyle: 'short' });
  return card(
    'Too many tries',
    h('p', { role: 'alert' }, more.retryAfter === undefined ? message : `You can try again at ${when}.`),
    h(
      'p',
      { class: 'hint' },
      'Trying meanwhile does not make it longer. A new password by mail lets you in at once.',
    ),
    back,
  );
}

function ending(
  { api, toasts }: Context,
  { more }: ApiProblem,
  credentials: Credentials,
  restart: () => void,
  back: Node,
): HTMLElement {
  const problem = h('p', { role: 'alert', class: 'problem', hidden: true });
  async function restore(): Promise<void> {
    await api.call('POST', 'auth', '/auth/account/restore', { body: credentials });
    toasts.show({ title: 'Your account is back', text: 'Sign in as ever.' });
    restart();
  }
  const restoring = action(
    'Restore my account',
    restore,
    (error) => {
      fill(problem, messageOf(error));
      problem.hidden = false;
    },
    { class: 'primary' },
  );
  const day = more.deleteAt === undefined ? 'soon' : `on ${until(more.deleteAt)}`;
  return card(
    'Your account is being deleted',
    h(
      'p',
      { role: 'alert' },
      `It will be gone ${day}, with everything in it. Until then you can have it back.`,
    ),
    credentials === undefined && h('p', { class: 'hint' }, 'Sign in with your password to restore it.'),
    problem,
    h('div', { class: 'actions' }, credentials !== undefined && restoring, back),
  );
}
