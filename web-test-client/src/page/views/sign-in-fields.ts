import type { Context } from '../context.ts';
import { h } from '../dom.ts';
import { type Field, input } from '../form.ts';
import { PATHS } from '../paths.ts';

const text = (autocomplete: string, type = 'text') => input(type, { autocomplete, required: true });

export const usernameField = (): Field => ({
  name: 'username',
  label: 'Username',
  control: text('username'),
  codes: ['username_taken'],
});

export const emailField = (label = 'E-mail'): Field => ({
  name: 'email',
  label,
  control: text('email', 'email'),
  codes: ['email_taken'],
});

/** `current-password` or `new-password`: what password managers go by. */
export const passwordField = (autocomplete: string, more: Partial<Field> = {}): Field => ({
  name: 'password',
  label: 'Password',
  control: text(autocomplete, 'password'),
  ...more,
});

/** Of an authenticator app, or a recovery code. */
export const codeField = (more: Partial<Field> = {}): Field => ({
  name: 'code',
  label: 'Code',
  control: text('one-time-code'),
  codes: ['invalid_code'],
  ...more,
});

/** Ticked, the browser stays signed in, in all its tabs; else it is this tab alone. */
export function stayBox() {
  const box = input('checkbox');
  const element = h('label', { class: 'check' }, box, 'Stay signed in in this browser');
  return { element: h('p', {}, element), isTicked: () => box.checked };
}

/** A page with one question. */
export function card(title: string, ...children: (Node | string | false)[]): HTMLElement {
  return h('section', { class: 'card narrow' }, h('h1', {}, title), ...children);
}

export function link(question: string, path: string, label: string): Node {
  return h('p', { class: 'hint' }, `${question} `, h('a', { href: path + location.search }, label));
}

/** To where one was sent away from, if that was on this page. */
export function goOn(context: Context): void {
  const next = new URLSearchParams(location.search).get('next') ?? '';
  context.go(/^\/[^/\\]/.test(next) ? next : PATHS.library);
}
