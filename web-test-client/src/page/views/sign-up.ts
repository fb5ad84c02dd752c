import type { View } from '../context.ts';
import { createForm } from '../form.ts';
import { PATHS } from '../paths.ts';
import { card, emailField, goOn, link, passwordField, stayBox, usernameField } from './sign-in-fields.ts';

export const signUp: View = (context) => {
  const stay = stayBox();
  const form = createForm({
    fields: [
      usernameField(),
      emailField(),
      passwordField('new-password', { hint: 'At least 8 characters, and not one that everybody uses' }),
    ],
    submitLabel: 'Sign up',
    async submit({ username, email, password }) {
      await context.session.enter('/auth/register', { username, email, password }, stay.isTicked());
      goOn(context);
    },
  });
  form.querySelector('.actions')?.before(stay.element);
  return card('Sign up', form, link('Been here before?', PATHS.signIn, 'Sign in'));
};
