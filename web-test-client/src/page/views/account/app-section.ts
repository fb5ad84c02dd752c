import type { Context } from '../../context.ts';
import { openForm } from '../../dialog.ts';
import { action, fill, h } from '../../dom.ts';
import { createForm } from '../../form.ts';
import { ago, plural } from '../../format.ts';
import { qrCode } from '../../qr.ts';
import { codeField } from '../sign-in-fields.ts';
import { codeAgain, type Factors, passwordAgain } from './factors.ts';
import { recoveryCodes } from './recovery-codes.ts';
import { hint, section } from './section.ts';

type Enrolment = { secret: string; otpauthUrl: string };
type Codes = { recoveryCodes: string[] };

/** The authenticator app: set up, recovery codes, removed. */
export function appSection({ api, toasts }: Context, first: Factors) {
  let factors = first;
  const body = h('div', { 'data-testid': 'authenticator' });

  async function reload(): Promise<void> {
    factors = await api.call<Factors>('GET', 'auth', '/auth/mfa');
    show();
  }

  function begin(): void {
    openForm('Is it you?', [passwordAgain()], 'Go on', async ({ password }) => {
      const enrolment = await api.call<Enrolment>('POST', 'auth', '/auth/mfa/totp', { body: { password } });
      fill(body, enrolling(enrolment));
      return () => body.querySelector('input')?.focus();
    });
  }

  function enrolling({ secret, otpauthUrl }: Enrolment): HTMLElement {
    const form = createForm({
      fields: [codeField({ label: 'Code that the app shows' })],
      submitLabel: 'Confirm',
      cancel: show,
      async submit({ code = '' }) {
        const body = { code: code.trim() };
        const { recoveryCodes } = await api.call<Codes>('POST', 'auth', '/auth/mfa/totp/confirm', { body });
        await reload();
        showCodes(recoveryCodes);
      },
    });
    const steps = h(
      'div',
      {},
      h(
        'p',
        {},
        'Scan this with your authenticator app. On this device, ',
        h('a', { href: otpauthUrl }, 'open it'),
        '.',
      ),
      h(
        'p',
        { class: 'hint' },
        'Or type in the secret: ',
        h('code', { 'data-testid': 'secret' }, inFours(secret)),
      ),
      form,
    );
    return h('div', { class: 'enrolling' }, qrCode(otpauthUrl, 'QR code with the secret below'), steps);
  }

  function showCodes(codes: string[]): void {
    const card = recoveryCodes(codes, toasts, show);
    fill(body, card);
    card.focus();
  }

  function renew(): void {
    openForm(
      'New recovery codes',
      [passwordAgain(), codeAgain()],
      'Make them',
      async ({ password, code }) => {
        const made = await api.call<Codes>('POST', 'auth', '/auth/mfa/recovery-codes', {
          body: { password, code },
        });
        await reload();
        return () => showCodes(made.recoveryCodes);
      },
    );
  }

  function remove(): void {
    openForm(
      'Do without the app?',
      [passwordAgain(), codeAgain()],
      'Remove it',
      async ({ password, code }) => {
        await api.call('DELETE', 'auth', '/auth/mfa/totp', { body: { password, code } });
        await reload();
        toasts.show({ title: 'Your password alone signs you in now' });
      },
    );
  }

  function show(): void {
    if (factors.totp === null) {
      const about = hint('With a code from an app on your phone, a stolen password is not enough to get in.');
      fill(body, about, action('Set up an app', begin, toasts.fail, { class: 'primary' }));
      return;
    }
    const left = `${plural(factors.recoveryCodesLeft, 'recovery code')} left.`;
    fill(
      body,
      h('p', {}, h('span', { class: 'tag' }, 'On'), ` Set up ${ago(factors.totp.enrolledAt)}. ${left}`),
      h(
        'div',
        { class: 'actions' },
        action('New recovery codes', renew, toasts.fail),
        action('Remove the app', remove, toasts.fail, { class: 'danger' }),
      ),
    );
  }

  show();
  return { element: section('Authenticator app', body), isOn: () => factors.totp !== null };
}

const inFours = (secret: string) => secret.replaceAll(/(.{4})(?=.)/g, '$1 ');
