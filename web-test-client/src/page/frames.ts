import { type Cell, createCell } from './cell.ts';

export type Frame = { id: number; at: Date; direction: 'sent' | 'received' | 'socket'; text: string };

/** The newest frames: enough to look at, and no leak in a tab that stays open for weeks. */
export const KEPT_FRAMES = 500;

export type FrameLog = {
  frames: Cell<readonly Frame[]>;
  paused: Cell<boolean>;
  clear(): void;
  /** The browser's own WebSocket, which also tells this log what goes through it. */
  socketClass: typeof WebSocket;
};

export function createFrameLog(): FrameLog {
  const frames = createCell<readonly Frame[]>([]);
  const paused = createCell(false);
  let count = 0;

  function note(direction: Frame['direction'], text: string): void {
    if (paused.get()) return;
    const frame = { id: ++count, at: new Date(), direction, text: withoutTokens(text) };
    frames.set([...frames.get().slice(1 - KEPT_FRAMES), frame]);
  }

  class LoggedWebSocket extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      note('socket', `opening ${url}`);
      this.addEventListener('open', () => note('socket', 'open'));
      this.addEventListener('message', ({ data }) => note('received', String(data)));
      this.addEventListener('close', ({ code, reason }) => note('socket', `closed: ${code} ${reason}`));
    }

    override send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
      note('sent', String(data));
      super.send(data as string);
    }
  }

  return { frames, paused, clear: () => frames.set([]), socketClass: LoggedWebSocket };
}

/** People show this log to one another: a token in it would let them in. */
function withoutTokens(text: string): string {
  return text.replace(/("token":"[^"]{0,12})[^"]*"/g, '$1…"');
}
