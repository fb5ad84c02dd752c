import type { Page } from '../../api.ts';
import type { Context } from '../../context.ts';
import { confirm, openForm } from '../../dialog.ts';
import { action, fill, h } from '../../dom.ts';
import { input } from '../../form.ts';
import { ago } from '../../format.ts';
import { hasPasskeys, makePasskey, type Options } from '../../passkeys.ts';
import { deviceOf } from './device.ts';
import { type Proof, withProof } from './factors.ts';
import { hint, section } from './section.ts';

type Passkey = { id: string; name: string; createdAt: string; lastUsedAt: string | null };

/** Passkeys: keys of a device, which stand for the password and a second factor. */
export async function passkeysSection({ api, toasts }: Context, hasApp: () => boolean): Promise<HTMLElement> {
  const list = h('ul', { class: 'plain rows', 'data-testid': 'passkeys' });
  const path = '/auth/passkeys';

  async function reload(): Promise<void> {
    const { items } = await api.call<Page<Passkey>>('GET', 'auth', path);
    fill(list, ...items.map(createRow));
  }

  function createRow({ id, name, createdAt, lastUsedAt }: Passkey): HTMLElement {
    const used = lastUsedAt === null ? 'not used yet' : `used ${ago(lastUsedAt)}`;
    const rename = () =>
      openForm('Rename the passkey', [nameField(name)], 'Save', async (body) => {
        await api.call('PATCH', 'auth', `${path}/${id}`, { body });
        await reload();
      });
    const remove = async () => {
      if (!(await confirm(`Remove the passkey “${name}”?`, 'Remove'))) return;
      await withProof(async (body: Proof) => {
        await api.call('DELETE', 'auth', `${path}/${id}`, { body });
        await reload();
        toasts.show({ title: 'Passkey removed' });
      }, hasApp());
    };
    const label = (verb: string) => ({ 'aria-label': `${verb} the passkey ${name}` });
    return h(
      'li',
      {},
      h('div', {}, h('strong', {}, name), h('p', { class: 'meta' }, `added ${ago(createdAt)} · ${used}`)),
      h(
        'div',
        { class: 'actions' },
        action('Rename', rename, toasts.fail, { class: 'quiet', ...label('Rename') }),
        action('Remove', remove, toasts.fail, { class: 'quiet danger', ...label('Remove') }),
      ),
    );
  }

  function add(): void {
    openForm('Add a passkey', [nameField(deviceOf(navigator.userAgent))], 'Go on', async ({ name }) => {
      await withProof(async (proof: Proof) => {
        const options = await api.call<Options>('POST', 'auth', `${path}/options`, { body: proof });
        const credential = await makePasskey(options);
        await api.call('POST', 'auth', path, { body: { name, credential } });
        await reload();
        toasts.show({ title: 'Passkey added', text: 'Next time you can sign in with it.' });
      }, hasApp());
    });
  }

  await reload();
  return section(
    'Passkeys',
    hint(
      'Sign in by finger, face or the PIN of your device: no password, and nothing that can be stolen by mail.',
    ),
    list,
    hasPasskeys()
      ? action('Add a passkey', add, toasts.fail)
      : hint('Not with this browser, or not at this address: they need https, or localhost.'),
  );
}

const nameField = (value: string) => ({
  name: 'name',
  label: 'Name',
  control: input('text', { value, maxlength: 64 }),
  hint: 'To tell it from your others',
});
