import type { Context, View } from '../context.ts';
import { h } from '../dom.ts';
import { createForm, type Field, input } from '../form.ts';
import { PATHS } from '../paths.ts';

const text = (autocomplete: string, type = 'text') => input(type, { autocomplete, required: true });

const email = (): Field => ({
  name: 'email',
  label: 'E-mail',
  control: text('email', 'email'),
  codes: ['email_taken'],
});

const password = (autocomplete: string, hint?: string): Field => ({
  name: 'password',
  label: 'Password',
  control: text(autocomplete, 'password'),
  ...(hint === undefined ? {} : { hint }),
});

export const signIn: View = (context) => {
  const form = createForm({
    fields: [email(), password('current-password')],
    submitLabel: 'Sign in',
    async submit({ email = '', password = '' }) {
      await context.session.signIn({ email, password });
      goOn(context);
    },
  });
  return card('Sign in', form, 'New here?', PATHS.signUp, 'Make an account');
};

export const signUp: View = (context) => {
  const username: Field = {
    name: 'username',
    label: 'Username',
    control: text('username'),
    codes: ['username_taken'],
  };
  const form = createForm({
    fields: [username, email(), password('new-password', 'At least 8 characters')],
    submitLabel: 'Sign up',
    async submit({ username = '', email = '', password = '' }) {
      await context.session.signUp({ username, email, password });
      goOn(context);
    },
  });
  return card('Sign up', form, 'Been here before?', PATHS.signIn, 'Sign in');
};

function card(title: string, form: HTMLFormElement, question: string, path: string, label: string): Node {
  const elsewhere = h(
    'p',
    { class: 'hint' },
    `${question} `,
    h('a', { href: path + location.search }, label),
  );
  return h('section', { class: 'card narrow' }, h('h1', {}, title), form, elsewhere);
}

/** To where one was sent away from, if that was on this page. */
function goOn(context: Context): void {
  const next = new URLSearchParams(location.search).get('next') ?? '';
  context.go(/^\/[^/\\]/.test(next) ? next : PATHS.library);
}
