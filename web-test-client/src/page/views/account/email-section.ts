import type { Context } from '../../context.ts';
import { action, fill, h } from '../../dom.ts';
import { createForm } from '../../form.ts';
import type { User } from '../../types.ts';
import { emailField } from '../sign-in-fields.ts';
import { passwordAgain } from './factors.ts';
import { section } from './section.ts';

export function emailSection({ api, toasts }: Context, user: User): HTMLElement {
  const status = h('p', { role: 'status', class: 'note', hidden: true });
  const tell = (text: string) => {
    fill(status, text);
    status.hidden = false;
  };

  async function resend(): Promise<void> {
    await api.call('POST', 'auth', '/auth/email/verify/resend', { body: {} });
    tell(`A mail to ${user.email} is on its way.`);
  }

  const form = createForm({
    fields: [emailField('New address'), passwordAgain()],
    submitLabel: 'Change address',
    async submit({ email = '', password }) {
      await api.call('POST', 'auth', '/auth/email/change', { body: { email, password } });
      form.reset();
      tell(`Follow the link that we have sent to ${email}: your address changes then, and not before.`);
    },
  });
  const state = user.emailVerified ? 'confirmed' : 'not confirmed';
  return section(
    'E-mail',
    h('p', {}, user.email, ' ', h('span', { class: 'tag' }, state)),
    !user.emailVerified && h('p', {}, action('Send the mail again', resend, toasts.fail)),
    status,
    form,
  );
}
