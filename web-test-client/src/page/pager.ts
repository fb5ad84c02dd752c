import type { Page } from './api.ts';
import { action, fill, h } from './dom.ts';
import { messageOf } from './problem.ts';

type Options<Item> = {
  load(cursor: string | null): Promise<Page<Item>>;
  show(items: Item[]): void;
  /** Told where the first page has nothing, for as long as the list stays empty. */
  empty: string;
};

/** What stands below a list: "Load more" while there is more, and why it could not be loaded. */
export function createPager<Item>({ load, show, empty }: Options<Item>) {
  let cursor: string | null = null;
  let run = 0;
  const status = h('p', { class: 'status', role: 'status' });
  const nothing = h('p', { class: 'status empty' }, empty);
  const more = action('Load more', () => next(false), fail, { class: 'more' });
  const again = action('Try again', () => next(cursor === null), fail);
  const element = h('div', { class: 'pager' }, status);

  function fail(error: unknown): void {
    fill(element, status, again);
    fill(status, messageOf(error));
  }

  async function next(first: boolean): Promise<void> {
    const of = run;
    const page = await load(first ? null : cursor);
    // Another order was chosen meanwhile.
    if (of !== run) return;
    cursor = page.nextCursor;
    show(page.items);
    fill(status);
    fill(element, status, first && page.items.length === 0 && nothing, cursor !== null && more);
  }

  return {
    element,
    /** Loads the first page; why that failed is shown. */
    async start(): Promise<void> {
      cursor = null;
      run++;
      await next(true).catch(fail);
    },
  };
}
