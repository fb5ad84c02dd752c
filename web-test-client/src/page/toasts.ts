import { action, h } from './dom.ts';
import { icon } from './icons.ts';
import { messageOf } from './problem.ts';

type Toast = {
  title: string;
  text?: string;
  link?: string | undefined;
  /** Called when the link is followed. */
  onOpen?: () => void;
  tone?: 'news' | 'problem';
};

export type Toasts = {
  element: HTMLElement;
  show(toast: Toast): void;
  /** For work whose failure has no better place. */
  fail(error: unknown): void;
};

const SHOWN = 4;
const STAY_MS = 8000;

/** Short messages in a corner, read out by screen readers when they have time. */
export function createToasts(): Toasts {
  const element = h('section', {
    class: 'toasts',
    'aria-label': 'Messages',
    'aria-live': 'polite',
    'data-testid': 'toasts',
  });

  function show({ title, text, link, onOpen, tone = 'news' }: Toast): void {
    const words = [h('strong', {}, title), text !== undefined && h('span', {}, text)];
    const body = link === undefined ? h('div', {}, ...words) : h('a', { href: link }, ...words);
    const close = action(icon('close'), () => toast.remove(), fail, {
      class: 'quiet',
      'aria-label': 'Close',
    });
    const toast = h('div', { class: `toast ${tone}` }, body, close);
    if (link !== undefined) {
      body.addEventListener('click', () => {
        toast.remove();
        onOpen?.();
      });
    }
    toast.addEventListener('keydown', ({ key }) => key === 'Escape' && toast.remove());
    element.append(toast);
    while (element.children.length > SHOWN) element.firstElementChild?.remove();
    stay(toast);
  }

  /** As long as somebody points at it or is in it, it does not go. */
  function stay(toast: HTMLElement): void {
    setTimeout(() => (toast.matches(':hover, :focus-within') ? stay(toast) : toast.remove()), STAY_MS);
  }

  const fail = (error: unknown) => show({ title: messageOf(error), tone: 'problem' });
  return { element, show, fail };
}
