import type { View } from '../context.ts';
import { fill, h } from '../dom.ts';
import { createForm } from '../form.ts';
import { PATHS } from '../paths.ts';
import { isProblem } from '../problem.ts';
import { card, emailField, link, passwordField } from './sign-in-fields.ts';

export const forgotPassword: View = ({ api }) => {
  const place = h('div', { role: 'status' });
  const form = createForm({
    fields: [emailField()],
    submitLabel: 'Send the mail',
    async submit({ email }) {
      await api.call('POST', 'auth', '/auth/password/forgot', { body: { email } });
      fill(
        place,
        h('p', {}, `If there is an account for ${email}, a mail with a link is on its way.`),
        h(
          'p',
          { class: 'hint' },
          'The link works once, for 30 minutes. Nothing came? Look into your spam, or try again.',
        ),
      );
      form.hidden = true;
    },
  });
  const lead = h('p', { class: 'hint' }, 'We mail you a link, by which you choose a new password.');
  return card('Forgotten password', lead, form, place, link('It came back to you?', PATHS.signIn, 'Sign in'));
};

export const resetPassword: View = ({ api, go, session, toasts }, { token }) => {
  if (token === undefined) return deadLink('There is no token in this link.');
  const place = h('div', {});
  const form = createForm({
    fields: [passwordField('new-password', { label: 'New password', hint: 'At least 8 characters' })],
    submitLabel: 'Set the password',
    async submit({ password }) {
      try {
        await api.call('POST', 'auth', '/auth/password/reset', {
          body: { token, password },
          // Auth gives this device a cookie by which it knows it again.
          credentials: 'include',
        });
      } catch (error) {
        if (!isProblem(error, 'invalid_token')) throw error;
        fill(place, deadLink('This link was used, or is too old.'));
        return;
      }
      await session.signOut();
      toasts.show({
        title: 'Your password is changed',
        text: 'Every session has ended. Sign in with the new one.',
      });
      go(PATHS.signIn);
    },
  });
  fill(place, card('New password', form));
  return place;
};

export function deadLink(why: string): HTMLElement {
  return card(
    'This link does not work',
    h('p', { role: 'alert' }, why),
    link('You can have another one:', PATHS.forgotPassword, 'send me a mail'),
  );
}
