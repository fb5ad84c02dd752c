import type { Context, View } from '../context.ts';
import { confirm, openForm } from '../dialog.ts';
import { action, fill, h } from '../dom.ts';
import { input, select, textarea } from '../form.ts';
import { ago, bytes, exactly } from '../format.ts';
import { PATHS, profilePath } from '../paths.ts';
import { atLeast, type Media } from '../types.ts';
import { comments } from './comments.ts';
import { visibilityTag } from './media-card.ts';
import { player } from './player.ts';

export const media: View = async (context, { id, leaving }) => {
  const response = await context.api.request('GET', 'media', `/media/${id}`, { signal: leaving });
  let current: Media = await response.json();
  let etag = response.headers.get('ETag') ?? '';
  const details = h('div', { class: 'details' });

  function show(): void {
    document.title = `${current.title} · Tertulia`;
    fill(details, ...describe(current), buttons(context, current, change));
  }

  async function change(body: Partial<Media>): Promise<void> {
    const headers = { 'If-Match': etag };
    const changed = await context.api.request('PATCH', 'media', `/media/${id}`, { body, headers });
    current = await changed.json();
    etag = changed.headers.get('ETag') ?? '';
    show();
  }

  show();
  return h(
    'div',
    { class: 'media-page' },
    h('article', {}, player(context, current, leaving), details),
    comments(context, current, leaving),
  );
};

function describe(media: Media): Node[] {
  const { title, description, tags, ownerId, ownerUsername, createdAt, size, mimeType, visibility } = media;
  const owner = h('a', { href: profilePath(ownerId) }, `@${ownerUsername}`);
  const when = h('time', { datetime: createdAt, title: exactly(createdAt) }, ago(createdAt));
  const meta = h('p', { class: 'meta' }, owner, ' · ', when, ` · ${bytes(size)} · ${mimeType} `);
  if (visibility !== 'public') meta.append(visibilityTag(media));
  return [
    h('h1', {}, title),
    meta,
    h('p', { class: 'prose' }, description),
    h('p', { class: 'tags' }, ...tags.map((tag) => h('span', { class: 'tag' }, `#${tag}`))),
  ];
}

type Change = (body: Partial<Media>) => Promise<void>;

function buttons({ api, session, toasts, go }: Context, media: Media, change: Change): Node {
  const user = session.current.get()?.user;
  const own = user?.id === media.ownerId;

  function edit(): void {
    openForm(
      'Edit details',
      [
        { name: 'title', label: 'Title', control: input('text', { value: media.title }) },
        { name: 'description', label: 'Description', control: textarea(media.description, { rows: 4 }) },
        { name: 'visibility', label: 'Who may see it', control: visibilitySelect(media.visibility) },
        {
          name: 'tags',
          label: 'Tags',
          control: input('text', { value: media.tags.join(', ') }),
          hint: 'Separated by commas',
        },
      ],
      'Save',
      ({ tags = '', ...values }) =>
        change({ ...(values as Partial<Media>), tags: tags.split(',').flatMap((tag) => tag.trim() || []) }),
    );
  }

  async function remove(): Promise<void> {
    if (!(await confirm(`Delete “${media.title}”?`, 'Delete'))) return;
    await api.call('DELETE', 'media', `/media/${media.id}`);
    toasts.show({ title: 'Deleted' });
    go(PATHS.library);
  }

  return h(
    'div',
    { class: 'actions' },
    own && action('Edit details', edit, toasts.fail),
    (own || atLeast(user?.role, 'MODERATOR')) &&
      action('Delete', remove, toasts.fail, { class: 'quiet danger' }),
  );
}

export function visibilitySelect(chosen?: string): HTMLSelectElement {
  return select(
    {
      public: 'Public: everybody',
      unlisted: 'Unlisted: whoever has the address',
      private: 'Private: only you',
    },
    chosen,
  );
}
