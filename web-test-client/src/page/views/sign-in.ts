import type { Context, View } from '../context.ts';
import { action, fill, h } from '../dom.ts';
import { createForm } from '../form.ts';
import { icon } from '../icons.ts';
import { hasPasskeys, type Options, showPasskey } from '../passkeys.ts';
import { PATHS } from '../paths.ts';
import { isProblem } from '../problem.ts';
import { refusal } from './refusal.ts';
import { card, codeField, emailField, goOn, link, passwordField, stayBox } from './sign-in-fields.ts';

/** In steps: who one is, maybe a code, or what keeps one out. */
export const signIn: View = (context) => {
  const place = h('div', {});

  function show(step: HTMLElement): void {
    fill(place, step);
    const first = step.querySelector('input') ?? step.querySelector('h1');
    if (first instanceof HTMLHeadingElement) first.tabIndex = -1;
    first?.focus();
  }

  /** Shows the next step where a problem asks for one, and throws every other. */
  function answer(error: unknown, credentials: Credentials, stay: boolean): void {
    if (isProblem(error, 'mfa_required'))
      show(secondStep(context, error.more.mfaToken, stay, refuse, restart));
    else if (!refuse(error, credentials)) throw error;
  }

  function refuse(error: unknown, credentials?: Credentials): boolean {
    const told = refusal(context, error, credentials, restart);
    if (told !== undefined) show(told);
    return told !== undefined;
  }

  const restart = () => show(firstStep(context, answer));
  fill(place, firstStep(context, answer));
  return place;
};

export type Credentials = { email: string; password: string } | undefined;
type Answer = (error: unknown, credentials: Credentials, stay: boolean) => void;

function firstStep(context: Context, answer: Answer): HTMLElement {
  const { api, session } = context;
  const stay = stayBox();
  const problem = h('p', { role: 'alert', class: 'problem', hidden: true });

  async function byPasskey(): Promise<void> {
    problem.hidden = true;
    const options = await api.call<Options>('POST', 'auth', '/auth/login/passkey/options');
    const credential = await showPasskey(options);
    try {
      await session.enter('/auth/login/passkey', { credential }, stay.isTicked());
    } catch (error) {
      return answer(error, undefined, stay.isTicked());
    }
    goOn(context);
  }

  const form = createForm({
    fields: [emailField(), passwordField('current-password')],
    submitLabel: 'Sign in',
    async submit({ email = '', password = '' }) {
      problem.hidden = true;
      try {
        await session.enter('/auth/login', { email, password }, stay.isTicked());
      } catch (error) {
        return answer(error, { email, password }, stay.isTicked());
      }
      goOn(context);
    },
  });
  form.querySelector('.actions')?.before(stay.element);
  const passkey = action(
    h('span', { class: 'label' }, icon('key'), 'Sign in with a passkey'),
    byPasskey,
    (error) => {
      fill(problem, error instanceof Error ? error.message : 'Something went wrong.');
      problem.hidden = false;
    },
  );
  form.querySelector('.actions')?.append(hasPasskeys() ? passkey : '');
  form.append(problem);
  return card(
    'Sign in',
    form,
    link('Cannot get in?', PATHS.forgotPassword, 'Choose a new password'),
    link('New here?', PATHS.signUp, 'Make an account'),
  );
}

function secondStep(
  context: Context,
  mfaToken: string | undefined,
  stay: boolean,
  refuse: (error: unknown) => boolean,
  restart: () => void,
): HTMLElement {
  const form = createForm({
    fields: [codeField({ hint: 'Six digits from your authenticator app, or one of your recovery codes' })],
    submitLabel: 'Sign in',
    cancel: restart,
    async submit({ code = '' }) {
      try {
        await context.session.enter('/auth/login/mfa', { mfaToken, code: code.trim() }, stay);
      } catch (error) {
        if (refuse(error)) return;
        throw error;
      }
      goOn(context);
    },
  });
  return card(
    'One more step',
    h('p', {}, 'Your password is right. Now show that you have your second factor.'),
    form,
  );
}
