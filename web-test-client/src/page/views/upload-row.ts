import type { Context } from '../context.ts';
import { action, fill, h } from '../dom.ts';
import { bytes } from '../format.ts';
import { mediaPath } from '../paths.ts';
import type { RunningUpload, UploadState } from '../uploads.ts';

const WORDS: Record<UploadState['phase'], string> = {
  sending: 'Uploading',
  paused: 'Paused',
  waiting: 'Connection lost, trying again',
  failed: 'Stopped',
  done: 'Done',
};

/** One upload: how far it is, and what one can do about it. */
export function uploadRow({ toasts }: Context, entry: RunningUpload, leaving: AbortSignal): HTMLLIElement {
  const bar = h('progress', { max: 100, 'aria-label': `Upload of ${entry.filename}` });
  const status = h('p', { class: 'meta', role: 'status' });
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const buttons = h('div', { class: 'actions' });
  let shown: UploadState['phase'] | undefined;

  function showButtons({ phase, mediaId }: UploadState): void {
    if (phase === shown) return;
    shown = phase;
    const moving = phase === 'sending' || phase === 'waiting';
    fill(
      buttons,
      moving && action('Pause', entry.pause, toasts.fail),
      (phase === 'paused' || phase === 'failed') &&
        action('Resume', entry.resume, toasts.fail, { class: 'primary' }),
      phase !== 'done' && action('Cancel', entry.cancel, toasts.fail, { class: 'quiet danger' }),
      mediaId !== undefined && h('a', { href: mediaPath(mediaId), class: 'button primary' }, 'Show it'),
    );
  }

  entry.state.watch((state) => {
    const { phase, sent, total, problem: why } = state;
    const percent = Math.floor((sent / Math.max(total, 1)) * 100);
    bar.value = percent;
    fill(status, `${WORDS[phase]} · ${percent} % · ${bytes(sent)} of ${bytes(total)}`);
    problem.hidden = why === undefined;
    fill(
      problem,
      ...(why === undefined
        ? []
        : [[why.message, ...why.errors.map(({ path, message }) => `${path} ${message}`)].join(' ')]),
    );
    showButtons(state);
  }, leaving);

  return h('li', { class: 'card' }, h('strong', {}, entry.filename), bar, status, problem, buttons);
}
