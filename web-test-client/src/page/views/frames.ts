import type { Context, View } from '../context.ts';
import { action, fill, h } from '../dom.ts';
import { type Frame, KEPT_FRAMES } from '../frames.ts';

export const frames: View = (context, { leaving }) => {
  const { frameLog } = context;
  const list = h('ol', { class: 'frames', 'data-testid': 'frames' });
  const status = h('p', { class: 'status', role: 'status' });
  const pings = h('input', { type: 'checkbox' });
  let newest = 0;

  function show(all: readonly Frame[]): void {
    if (all.length === 0) fill(list);
    for (const frame of all.filter(({ id }) => id > newest)) list.prepend(createRow(frame));
    newest = all.at(-1)?.id ?? newest;
    while (list.children.length > all.length) list.lastElementChild?.remove();
    fill(
      status,
      all.length === 0 ? 'No frames yet.' : `${all.length} of at most ${KEPT_FRAMES} frames, newest first.`,
    );
  }
  frameLog.frames.watch(show, leaving);
  pings.addEventListener('change', () => list.classList.toggle('without-pings', pings.checked));

  const pause = action('', () => frameLog.paused.set(!frameLog.paused.get()), context.toasts.fail);
  frameLog.paused.watch((paused) => {
    fill(pause, paused ? 'Go on recording' : 'Pause');
    pause.setAttribute('aria-pressed', String(paused));
  }, leaving);

  return h(
    'section',
    {},
    h('h1', {}, 'Frames'),
    h('p', { class: 'hint' }, 'Everything that goes through the WebSocket, as it is. Tokens are cut short.'),
    facts(context, leaving),
    h(
      'div',
      { class: 'heading' },
      status,
      h(
        'div',
        { class: 'actions' },
        h('label', { class: 'check' }, pings, 'Hide pings'),
        pause,
        action('Clear', frameLog.clear, context.toasts.fail),
      ),
    ),
    list,
  );
};

/** Where the connection stands, and buttons to try what it does. */
function facts({ live, session, toasts }: Context, leaving: AbortSignal): HTMLElement {
  const list = h('dl', { class: 'facts', 'data-testid': 'facts' });
  const buttons = h('div', { class: 'actions' });
  live.state.watch(({ status, reason, client, epoch, offset, recovered }) => {
    const rows = {
      State: reason === undefined || status === 'connected' ? status : `${status}: ${reason}`,
      Channel: `user:${session.current.get()?.user.id ?? '…'}`,
      Client: client,
      Epoch: epoch,
      Offset: offset,
      'Recovered by the last connect': recovered,
    };
    const shown = Object.entries(rows).filter(([, value]) => value !== undefined);
    fill(list, ...shown.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
    const connected = status === 'connected';
    fill(
      buttons,
      connected && action('Disconnect', live.disconnect, toasts.fail),
      connected && action('Call rpc “unread”', () => live.rpc('unread', {}), toasts.fail),
      status === 'disconnected' && action('Connect', live.connect, toasts.fail, { class: 'primary' }),
    );
  }, leaving);
  const signedOut = h('p', {}, 'Sign in, and the connection opens.');
  return h(
    'div',
    { class: 'card' },
    session.current.get() === undefined ? signedOut : h('div', {}, list, buttons),
  );
}

function createRow({ at, direction, text }: Frame): HTMLElement {
  const ping = text === '{}';
  const time = h('time', { datetime: at.toISOString() }, at.toISOString().slice(11, 23));
  const arrow = { sent: '↑ sent', received: '↓ received', socket: '· socket' }[direction];
  const note = ping ? (direction === 'sent' ? 'pong' : 'ping') : kindOf(text);
  return h(
    'li',
    { class: `frame ${direction} ${ping ? 'ping' : ''}` },
    h(
      'details',
      {},
      h(
        'summary',
        {},
        time,
        h('span', { class: 'direction' }, arrow),
        h('span', { class: 'tag' }, note),
        h('code', {}, text),
      ),
      h('pre', {}, pretty(text)),
    ),
  );
}

/** A frame may hold several commands or replies, a line each. */
const linesOf = (text: string) => text.split('\n').filter((line) => line.trim() !== '');

function pretty(text: string): string {
  return linesOf(text)
    .map((line) => {
      const value = parse(line);
      return value === undefined ? line : JSON.stringify(value, null, 2);
    })
    .join('\n');
}

/** `connect`, `push`, `rpc` …: the key that is not the id. */
function kindOf(text: string): string {
  const kinds = linesOf(text).map((line) => Object.keys(parse(line) ?? {}).find((key) => key !== 'id'));
  return [...new Set(kinds.filter((kind) => kind !== undefined))].join(', ') || 'state';
}

function parse(line: string): object | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
