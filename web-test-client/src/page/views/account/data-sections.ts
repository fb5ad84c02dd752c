import type { Context } from '../../context.ts';
import { openForm } from '../../dialog.ts';
import { action } from '../../dom.ts';
import { until } from '../../format.ts';
import { PATHS } from '../../paths.ts';
import { save } from '../../save.ts';
import { passwordAgain } from './factors.ts';
import { hint, section } from './section.ts';

/** All that auth holds of one, as a file. */
export function dataSection({ api, toasts }: Context): HTMLElement {
  async function download(): Promise<void> {
    const response = await api.request('GET', 'auth', '/auth/account/export');
    save(await response.blob(), 'tertulia-account.json');
  }
  return section(
    'Your data',
    hint('Your account, sessions, devices and what happened to them, as JSON. No passwords and no secrets.'),
    action('Download', download, toasts.fail),
  );
}

/** The end of the account, which can be taken back for some days. */
export function endSection({ api, go, session, toasts }: Context): HTMLElement {
  function end(): void {
    openForm('Delete your account?', [passwordAgain()], 'Delete my account', async ({ password }) => {
      const { deleteAt } = await api.call<{ deleteAt: string }>('DELETE', 'auth', '/auth/account', {
        body: { password },
      });
      await session.signOut();
      toasts.show({
        title: 'Your account is being deleted',
        text: `Until ${until(deleteAt)} you can sign in to restore it.`,
      });
      go(PATHS.signIn);
    });
  }
  return section(
    'Delete the account',
    hint(
      'It goes with everything you have uploaded, and your name goes from what you wrote. For some days you can have it back.',
    ),
    action('Delete my account', end, toasts.fail, { class: 'danger' }),
  );
}
