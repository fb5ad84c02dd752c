import { type Page, queryOf } from '../api.ts';
import type { Context } from '../context.ts';
import { confirm } from '../dialog.ts';
import { action, fill, h } from '../dom.ts';
import { createForm, textarea } from '../form.ts';
import { ago, exactly, plural } from '../format.ts';
import { profilePath } from '../paths.ts';
import { atLeast, type Comment } from '../types.ts';
import { commentForm } from './comment-form.ts';

/** After this the service refuses edits; see EDIT_WINDOW_MINUTES. */
const EDIT_MS = 15 * 60_000;

type Tree = { show(comment: Comment): boolean; refresh(id: string): Promise<void> };

export type CommentItem = {
  element: HTMLLIElement;
  comment(): Comment;
  show(comment: Comment): void;
  addReply(element: HTMLLIElement): void;
};

/** One comment, its buttons, and below it its replies. */
export function createItem(context: Context, first: Comment, tree: Tree): CommentItem {
  const { api, session, toasts } = context;
  let comment = first;
  let cursor: string | null = null;
  /** The count at which all that one may see was shown: some wait for a moderator, and are counted. */
  let complete: number | undefined;
  const body = h('article', {});
  const slot = h('div', { class: 'slot' });
  const replies = h('ol', { class: 'replies' });
  const rest = h('div', { class: 'rest' });
  const element = h(
    'li',
    { id: `comment-${first.id}`, 'data-id': first.id, class: 'comment' },
    body,
    slot,
    replies,
    rest,
  );
  const close = () => fill(slot);

  function open(form: HTMLFormElement): void {
    fill(slot, form);
    form.querySelector('textarea')?.focus();
    form.addEventListener('keydown', ({ key }) => key === 'Escape' && close());
  }

  function reply(): void {
    const draft = { mediaId: comment.mediaId, parentId: comment.id };
    const label = `Your reply to @${comment.authorUsername ?? '…'}`;
    const done = (written: Comment) => {
      close();
      tree.show(written);
      tree.refresh(comment.id).catch(toasts.fail);
    };
    open(commentForm({ context, label, submitLabel: 'Reply', draft, done, cancel: close }));
  }

  function edit(): void {
    const control = textarea(comment.content ?? '', { rows: 3 });
    const form = createForm({
      fields: [{ name: 'content', label: 'Your comment', control }],
      submitLabel: 'Save',
      async submit(body) {
        show(await api.call<Comment>('PATCH', 'comments', `/comments/${comment.id}`, { body }));
        close();
      },
      cancel: close,
    });
    form.classList.add('comment-form');
    open(form);
  }

  async function remove(): Promise<void> {
    if (!(await confirm('Delete this comment?', 'Delete'))) return;
    await api.call('DELETE', 'comments', `/comments/${comment.id}`);
    await tree.refresh(comment.id);
  }

  async function more(): Promise<void> {
    const path = `/comments/${comment.id}/replies${queryOf({ cursor })}`;
    const page = await api.call<Page<Comment>>('GET', 'comments', path);
    cursor = page.nextCursor;
    if (cursor === null) complete = comment.replyCount;
    page.items.forEach(tree.show);
    showRest();
  }

  function showRest(): void {
    const hidden = comment.replyCount - replies.children.length;
    const label = `Show ${plural(hidden, 'more reply', 'more replies')}`;
    fill(
      rest,
      hidden > 0 && comment.replyCount !== complete && action(label, more, toasts.fail, { class: 'quiet' }),
    );
  }

  function show(next: Comment): void {
    comment = { ...next, replies: [] };
    const user = session.current.get()?.user;
    const own = user !== undefined && user.id === comment.authorId;
    const young = Date.now() - Date.parse(comment.createdAt) < EDIT_MS;
    const buttons = h(
      'div',
      { class: 'actions' },
      user !== undefined && !comment.deleted && action('Reply', reply, toasts.fail, { class: 'quiet' }),
      own && young && action('Edit', edit, toasts.fail, { class: 'quiet' }),
      !comment.deleted &&
        (own || atLeast(user?.role, 'MODERATOR')) &&
        action('Delete', remove, toasts.fail, { class: 'quiet danger' }),
    );
    fill(
      body,
      ...(comment.deleted ? [h('p', { class: 'gone' }, 'This comment was deleted.')] : words(comment)),
      buttons,
    );
    showRest();
  }

  show(first);
  return {
    element,
    comment: () => comment,
    show,
    addReply(child) {
      placeById(replies, child, false);
      showRest();
    },
  };
}

function words({ authorId, authorUsername, content, createdAt, editedAt, status }: Comment): Node[] {
  const head = h(
    'p',
    { class: 'meta' },
    h('a', { href: profilePath(authorId ?? '') }, `@${authorUsername}`),
    ' · ',
    h('time', { datetime: createdAt, title: exactly(createdAt) }, ago(createdAt)),
    editedAt !== null && ' · edited',
    status !== 'approved' && h('span', { class: 'tag' }, status),
  );
  return [head, h('p', { class: 'prose' }, content)];
}

/** Ids sort by time, so an element finds its place by its own. */
export function placeById(list: Element, element: HTMLElement, newestFirst: boolean): void {
  const id = element.dataset.id ?? '';
  const isAfter = ({ dataset }: HTMLElement) =>
    newestFirst ? (dataset.id ?? '') < id : (dataset.id ?? '') > id;
  const next = ([...list.children] as HTMLElement[]).find(isAfter);
  list.insertBefore(element, next ?? null);
}
