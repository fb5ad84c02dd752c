import type { Context } from '../context.ts';
import { action, fill, h } from '../dom.ts';
import { bytes } from '../format.ts';
import { messageOf } from '../problem.ts';
import type { Media } from '../types.ts';

/** What is private is fetched whole, with the token, and kept in memory: up to this size. */
const MAX_PRIVATE = 64 * 1024 * 1024;

/** Picture, video or sound. Elements send no token, so what is private goes through `fetch`. */
export function player(context: Context, media: Media, leaving: AbortSignal): HTMLElement {
  const frame = h('div', { class: 'player', 'data-testid': 'player' });
  const address = context.addresses.media + media.links.content;
  const show = (src: string) =>
    fill(
      frame,
      element(media, src, () => failed(frame, address)),
    );
  if (media.visibility !== 'private') {
    show(address);
    return frame;
  }

  async function fetchWhole(): Promise<void> {
    fill(frame, h('p', { role: 'status' }, 'Loading…'));
    const response = await context.api.request('GET', 'media', media.links.content, { signal: leaving });
    const url = URL.createObjectURL(await response.blob());
    leaving.addEventListener('abort', () => URL.revokeObjectURL(url), { once: true });
    show(url);
  }
  const onError = (error: unknown) => {
    if (leaving.aborted) return;
    fill(frame, h('p', { role: 'alert' }, messageOf(error)), action('Try again', fetchWhole, onError));
  };
  if (media.size <= MAX_PRIVATE) void fetchWhole().catch(onError);
  else {
    const why = `This is private and large (${bytes(media.size)}): this client would have to load all of it first.`;
    fill(frame, h('p', {}, why), action('Load it all the same', fetchWhole, onError));
  }
  return frame;
}

function element({ kind, title }: Media, src: string, onerror: () => void): HTMLElement {
  if (kind === 'image') return h('img', { src, alt: title, onerror });
  if (kind === 'video')
    return h('video', { src, controls: true, preload: 'metadata', playsinline: true, onerror });
  return h('audio', { src, controls: true, preload: 'metadata', onerror });
}

function failed(frame: HTMLElement, address: string): void {
  fill(
    frame,
    h(
      'p',
      { role: 'alert' },
      'This browser cannot show it. ',
      h('a', { href: `${address}?download=1` }, 'Download it'),
    ),
  );
}
