import type { View } from '../../context.ts';
import { h } from '../../dom.ts';
import type { User } from '../../types.ts';
import { appSection } from './app-section.ts';
import { dataSection, endSection } from './data-sections.ts';
import { emailSection } from './email-section.ts';
import type { Factors } from './factors.ts';
import { passkeysSection } from './passkeys-section.ts';
import { passwordSection } from './password-section.ts';
import { sessionsSection } from './sessions-section.ts';

/** How one gets into one's account, from where one is in it, and how one leaves it. */
export const account: View = async (context, { leaving: signal }) => {
  const { api } = context;
  const [user, factors] = await Promise.all([
    api.call<User>('GET', 'auth', '/auth/profile', { signal }),
    api.call<Factors>('GET', 'auth', '/auth/mfa', { signal }),
  ]);
  const app = appSection(context, factors);
  return h(
    'div',
    { class: 'narrow wide account-page' },
    h('h1', {}, 'Account'),
    factors.required &&
      factors.totp === null &&
      h(
        'p',
        { class: 'note' },
        'Administrators need a second factor here. Set up an app or a passkey, and sign in with it.',
      ),
    await sessionsSection(context),
    passwordSection(context),
    emailSection(context, user),
    app.element,
    await passkeysSection(context, app.isOn),
    dataSection(context),
    endSection(context),
  );
};
