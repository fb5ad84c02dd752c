import { h } from '../dom.ts';
import { ago, bytes } from '../format.ts';
import { icon } from '../icons.ts';
import { mediaPath } from '../paths.ts';
import type { Media } from '../types.ts';

/** Larger pictures would make the list slow; there an icon stands for them. */
const MAX_THUMBNAIL = 8 * 1024 * 1024;

export function mediaCard(media: Media, origin: string): HTMLElement {
  const { id, title, ownerUsername, createdAt, size, visibility, status } = media;
  return h(
    'a',
    { href: mediaPath(id), class: 'media-card' },
    h('div', { class: 'thumb' }, preview(media, origin) ?? icon(media.kind)),
    h('strong', {}, title),
    h('span', { class: 'meta' }, `@${ownerUsername} · ${ago(createdAt)} · ${bytes(size)}`),
    visibility !== 'public' && visibilityTag(media),
    status !== 'ready' && h('span', { class: 'tag' }, status),
  );
}

export function visibilityTag({ visibility }: Media): HTMLElement {
  return h('span', { class: 'tag' }, icon(visibility === 'private' ? 'lock' : 'link'), visibility);
}

/** `img` and `video` send no token: what is private shows an icon. */
function preview({ kind, visibility, size, links }: Media, origin: string): HTMLElement | undefined {
  if (visibility === 'private') return undefined;
  const src = origin + links.content;
  if (kind === 'image' && size <= MAX_THUMBNAIL) return h('img', { src, alt: '', loading: 'lazy' });
  if (kind !== 'video') return undefined;
  const video = h('video', { src: `${src}#t=0.1`, preload: 'metadata', tabindex: -1, 'aria-hidden': 'true' });
  video.muted = true;
  return video;
}
