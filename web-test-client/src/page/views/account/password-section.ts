import type { Context } from '../../context.ts';
import { createForm } from '../../form.ts';
import { passwordField } from '../sign-in-fields.ts';
import { passwordAgain } from './factors.ts';
import { hint, section } from './section.ts';

export function passwordSection({ api, session, toasts }: Context): HTMLElement {
  const form = createForm({
    fields: [
      passwordAgain('currentPassword', 'Current password'),
      passwordField('new-password', {
        name: 'newPassword',
        label: 'New password',
        hint: 'At least 8 characters, and not one that everybody uses',
      }),
    ],
    submitLabel: 'Change password',
    async submit({ currentPassword, newPassword }) {
      await api.call('PUT', 'auth', '/auth/password', { body: { currentPassword, newPassword } });
      form.reset();
      // The access token is outdated by it; this session lives on.
      await session.refresh();
      toasts.show({ title: 'Password changed', text: 'Every other session has ended.' });
    },
  });
  return section('Password', hint('Every other session ends when it changes.'), form);
}
