import { type Page, queryOf } from '../api.ts';
import type { Context } from '../context.ts';
import { fill, h } from '../dom.ts';
import { select } from '../form.ts';
import { createPager } from '../pager.ts';
import { PATHS } from '../paths.ts';
import { whenHeard } from '../patience.ts';
import { ApiProblem } from '../problem.ts';
import type { Comment, Media } from '../types.ts';
import { commentForm } from './comment-form.ts';
import { type CommentItem, createItem, placeById } from './comment-item.ts';

/** The talk about a media: a tree that grows by pages, by what one writes, and by what one is told of live. */
export function comments(context: Context, media: Media, leaving: AbortSignal): HTMLElement {
  const { api, inbox, session } = context;
  const list = h('ol', { class: 'thread', 'data-testid': 'comments' });
  const items = new Map<string, CommentItem>();
  const sort = select({ newest: 'Newest first', oldest: 'Oldest first' });

  const tree = {
    /** Shows a comment where it belongs, or what has become of it; false while its parent is not shown. */
    show(comment: Comment): boolean {
      const known = items.get(comment.id);
      if (known !== undefined) known.show(comment);
      else {
        const parent = comment.parentId === null ? undefined : items.get(comment.parentId);
        if (comment.parentId !== null && parent === undefined) return false;
        const item = createItem(context, comment, tree);
        items.set(comment.id, item);
        if (parent === undefined) placeById(list, item.element, sort.value === 'newest');
        else parent.addReply(item.element);
      }
      for (const reply of comment.replies ?? []) tree.show(reply);
      return true;
    },

    /** Asks what has become of a comment, and of its parents, whose counts and tombstones hang on it. */
    async refresh(id: string): Promise<void> {
      const parentId = items.get(id)?.comment().parentId;
      try {
        tree.show(await api.call<Comment>('GET', 'comments', `/comments/${id}`));
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.status !== 404) throw error;
        items.get(id)?.element.remove();
        items.delete(id);
      }
      if (parentId) await tree.refresh(parentId);
    },
  };

  /** Brings a comment to light, with what it answers, however deep it is. */
  async function reveal(id: string): Promise<void> {
    const chain: Comment[] = [];
    for (let at: string | null = id; at !== null && (at === id || !items.has(at)); ) {
      const comment: Comment = await api.call('GET', 'comments', `/comments/${at}`);
      if (comment.mediaId !== media.id || leaving.aborted) return;
      chain.unshift(comment);
      at = comment.parentId;
    }
    for (const comment of chain) tree.show(comment);
    const parentId = chain[0]?.parentId;
    if (parentId) await tree.refresh(parentId);
  }

  async function point(): Promise<void> {
    const id = /^#comment-([0-9a-f-]{36})$/.exec(location.hash)?.[1];
    if (id === undefined) return;
    if (!items.has(id)) await reveal(id);
    const element = items.get(id)?.element;
    element?.classList.add('pointed');
    element?.scrollIntoView({ block: 'center' });
  }

  const pager = createPager<Comment>({
    load(cursor) {
      const path = `/comments/media/${media.id}${queryOf({ sort: sort.value, cursor })}`;
      return whenHeard(media, () => api.call<Page<Comment>>('GET', 'comments', path));
    },
    show: (page) => page.forEach(tree.show),
    empty: 'Nobody has said anything yet.',
  });

  async function reload(): Promise<void> {
    items.clear();
    fill(list);
    await pager.start();
  }

  sort.addEventListener('change', () => void reload());
  void reload().then(() => point().catch(() => {}));
  inbox.onArrival(({ data }) => {
    if (data.mediaId !== media.id || data.commentId === undefined) return;
    reveal(data.commentId).catch(() => {});
  }, leaving);

  const write = commentForm({
    context,
    label: 'Your comment',
    submitLabel: 'Comment',
    draft: { mediaId: media.id },
    done: tree.show,
  });
  const invite = h(
    'p',
    { class: 'hint' },
    h('a', { href: `${PATHS.signIn}?next=${location.pathname}` }, 'Sign in'),
    ' to join in.',
  );
  return h(
    'section',
    { class: 'comments', 'aria-label': 'Comments' },
    h(
      'div',
      { class: 'heading' },
      h('h2', {}, 'Comments'),
      h('label', {}, h('span', { class: 'hidden' }, 'Order'), sort),
    ),
    session.current.get() === undefined ? invite : write,
    list,
    pager.element,
  );
}
