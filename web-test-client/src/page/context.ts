import type { Api } from './api.ts';
import type { Addresses } from './config.ts';
import type { FrameLog } from './frames.ts';
import type { Inbox } from './inbox.ts';
import type { Live } from './live.ts';
import type { Session } from './session.ts';
import type { Toasts } from './toasts.ts';
import type { Uploads } from './uploads.ts';

/** What every view gets. */
export type Context = {
  addresses: Addresses;
  session: Session;
  api: Api;
  inbox: Inbox;
  live: Live;
  frameLog: FrameLog;
  uploads: Uploads;
  toasts: Toasts;
  /** Goes to an address of this page. */
  go(path: string): void;
};

/** `leaving` aborts when another view takes its place. */
export type View = (context: Context, at: Place) => Node | Promise<Node>;

export type Place = {
  id: string;
  leaving: AbortSignal;
  /** Of the link of a mail. */
  token: string | undefined;
};
