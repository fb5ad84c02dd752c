import { h } from '../../dom.ts';

/** A card of the account page. */
export function section(title: string, ...children: (Node | string | false)[]): HTMLElement {
  const id = `section-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`;
  return h('section', { class: 'card', 'aria-labelledby': id }, h('h2', { id }, title), ...children);
}

export const hint = (text: string) => h('p', { class: 'hint' }, text);
