import { action, h } from '../../dom.ts';
import { save } from '../../save.ts';
import type { Toasts } from '../../toasts.ts';

/** Ten codes, which nobody can show again; `done` when they are kept. */
export function recoveryCodes(
  codes: readonly string[],
  { show, fail }: Toasts,
  done: () => void,
): HTMLElement {
  const text = `${codes.join('\n')}\n`;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    show({ title: 'Copied' });
  };
  return h(
    'div',
    { class: 'note', tabindex: -1, role: 'group', 'aria-label': 'Recovery codes' },
    h('p', {}, h('strong', {}, 'Keep these codes where your phone is not. '), 'They are shown this once.'),
    h(
      'ul',
      { class: 'codes', 'data-testid': 'recovery-codes' },
      ...codes.map((code) => h('li', {}, h('code', {}, code))),
    ),
    h('p', { class: 'hint' }, 'Each stands for one code of the app, once.'),
    h(
      'div',
      { class: 'actions' },
      action('Copy', copy, fail),
      action(
        'Download',
        () => save(new Blob([text], { type: 'text/plain' }), 'tertulia-recovery-codes.txt'),
        fail,
      ),
      action('I have them', done, fail, { class: 'primary' }),
    ),
  );
}
