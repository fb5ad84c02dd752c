import type { View } from '../context.ts';
import { action, fill, h } from '../dom.ts';
import { PATHS } from '../paths.ts';
import { isProblem, messageOf } from '../problem.ts';
import { card } from './sign-in-fields.ts';

/**
 * Confirms the address of an account, or a new one that it changes to. It takes a press of a button: programs
 * that look into mails follow links, and would use it up.
 */
export const verifyEmail: View = ({ api, session }, { token }) => {
  const place = h('div', {});

  function tell(title: string, text: string, ...more: Node[]): void {
    fill(place, card(title, h('p', { role: 'status' }, text), ...more));
    const heading = place.querySelector('h1');
    heading?.setAttribute('tabindex', '-1');
    heading?.focus();
  }

  async function confirm(): Promise<void> {
    await api.call('POST', 'auth', '/auth/email/verify', { body: { token } });
    const to = session.current.get() === undefined ? PATHS.signIn : PATHS.account;
    const label = to === PATHS.signIn ? 'Sign in' : 'To your account';
    tell('Confirmed', 'This address is yours.', h('a', { href: to, class: 'button primary' }, label));
    // What is shown of oneself has changed.
    await session.refresh();
  }

  function fail(error: unknown): void {
    if (isProblem(error, 'invalid_token')) dead('This link was used, or is too old.');
    else tell('This did not work', messageOf(error), action('Try again', confirm, fail));
  }

  const dead = (why: string) =>
    tell('This link does not work', `${why} Your account page sends you another one.`, to('To your account'));
  const to = (label: string) => h('a', { href: PATHS.account, class: 'button' }, label);

  if (token === undefined) dead('There is no token in this link.');
  else {
    const lead = h('p', {}, 'One press, and we know that mail to this address reaches you.');
    fill(place, card('Confirm your address', lead, action('Confirm', confirm, fail, { class: 'primary' })));
  }
  return place;
};
