import { h } from './dom.ts';
import { createForm, type Field } from './form.ts';

/**
 * A modal dialog with a form; Escape and Cancel close it, and so does a submit that worked. A function that it
 * returns runs afterwards, when the page can have the focus again.
 */
export function openForm(
  title: string,
  fields: readonly Field[],
  submitLabel: string,
  submit: (values: Record<string, string>) => Promise<unknown>,
): void {
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' }, h('h2', { id: 'dialog-title' }, title));
  const form = createForm({
    fields,
    submitLabel,
    async submit(values) {
      const afterwards = await submit(values);
      dialog.close();
      if (typeof afterwards === 'function') afterwards();
    },
    cancel: () => dialog.close(),
  });
  dialog.append(form);
  show(dialog);
}

/** Asks before something is done that cannot be undone. */
export function confirm(question: string, yes: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const answer = (value: boolean) => () => {
    resolve(value);
    dialog.close();
  };
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'dialog-title' },
    h('h2', { id: 'dialog-title' }, question),
    h(
      'div',
      { class: 'actions' },
      h('button', { type: 'button', class: 'danger', onclick: answer(true) }, yes),
      h('button', { type: 'button', autofocus: true, onclick: answer(false) }, 'Cancel'),
    ),
  );
  dialog.addEventListener('close', () => resolve(false));
  show(dialog);
  return promise;
}

function show(dialog: HTMLDialogElement): void {
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
