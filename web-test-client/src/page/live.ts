import { Centrifuge, State, UnauthorizedError } from 'centrifuge';
import { type Cell, createCell } from './cell.ts';
import type { FrameLog } from './frames.ts';
import type { Inbox } from './inbox.ts';
import { readPosition, writePosition } from './positions.ts';
import type { Session } from './session.ts';
import type { StreamEntry } from './types.ts';

export type LiveState = {
  status: 'connected' | 'connecting' | 'disconnected';
  /** Why it is not connected, in the server's words. */
  reason?: string;
  client?: string;
  epoch?: string;
  offset?: number;
  /** Entries that the last connect brought because they had been missed. */
  recovered?: number;
};

export type Live = {
  state: Cell<LiveState>;
  connect(): void;
  disconnect(): void;
  /** Calls a method through the socket. */
  rpc(method: string, data: unknown): Promise<unknown>;
};

/** The close code after which the SDK gives up on its token. */
const REFUSED = 3500;

type Parts = { address: string; session: Session; inbox: Inbox; frameLog: FrameLog };

/**
 * One's own stream, by the published `centrifuge` client, for as long as somebody is signed in. Everything is
 * applied once and in order; what was missed is recovered by epoch and offset, after a reload too.
 */
export function createLive({ address, session, inbox, frameLog }: Parts): Live {
  const state = createCell<LiveState>({ status: 'disconnected' });
  let client: Centrifuge | undefined;

  function connect(userId: string): Centrifuge {
    const channel = `user:${userId}`;
    const change = (part: Partial<LiveState>) => state.set({ ...state.get(), ...part });
    const made = new Centrifuge(`${address.replace(/^http/, 'ws')}/notifications/ws`, {
      websocket: frameLog.socketClass,
      name: 'web-test-client',
      async getToken() {
        const token = await session.token();
        if (token === undefined) throw new UnauthorizedError('signed out');
        return token;
      },
      async getData() {
        const since = readPosition(channel);
        return since === undefined ? null : { since: { [channel]: since } };
      },
    });

    made.on('state', ({ newState }) => change({ status: STATUS[newState] }));
    let revived = false;
    made.on('connected', ({ client: id, data }) => {
      revived = false;
      state.set({ status: 'connected', client: id, recovered: 0 });
      inbox.count(data.unread);
    });
    made.on('connecting', ({ reason }) => change({ reason }));
    made.on('disconnected', ({ code, reason }) => {
      change({ reason });
      if (code !== REFUSED || revived) return;
      // The token was refused for good. Is the session over, or was it only the token? Auth knows.
      revived = true;
      session.refresh().then(
        (token) => {
          if (token === undefined) return;
          made.setToken(token);
          made.connect();
        },
        () => {},
      );
    });

    made.on('subscribed', ({ channel: name, streamPosition, recovered }) => {
      if (name !== channel || streamPosition === undefined) return;
      change(streamPosition);
      // What was recovered follows, entry by entry, each with its own position.
      if (!recovered || inbox.incomplete()) inbox.reload();
      if (!recovered) writePosition(channel, streamPosition);
    });

    made.on('publication', ({ channel: name, offset, data }) => {
      const { epoch, offset: reached = 0, recovered = 0 } = state.get();
      if (name !== channel || offset === undefined || epoch === undefined) return;
      inbox.apply(data as StreamEntry);
      writePosition(channel, { epoch, offset });
      const missed = offset <= reached;
      change(missed ? { recovered: recovered + 1 } : { offset });
    });

    made.connect();
    return made;
  }

  let userId: string | undefined;
  session.current.watch((signedIn) => {
    if (signedIn?.user.id === userId) return;
    userId = signedIn?.user.id;
    client?.disconnect();
    client = undefined;
    state.set({ status: 'disconnected' });
    inbox.clear();
    if (userId === undefined) return;
    inbox.reload();
    client = connect(userId);
  });

  return {
    state,
    connect: () => client?.connect(),
    disconnect: () => client?.disconnect(),
    async rpc(method, data) {
      return (await client?.rpc(method, data))?.data;
    },
  };
}

const STATUS: Record<State, LiveState['status']> = {
  [State.Connected]: 'connected',
  [State.Connecting]: 'connecting',
  [State.Disconnected]: 'disconnected',
};
