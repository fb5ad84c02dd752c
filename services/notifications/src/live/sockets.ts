import { Problem, problemResponse } from '@tertulia/shared/http/problem';
import type { Server, ServerWebSocket, WebSocketHandler } from 'bun';
import { Gauge, type Registry } from 'prom-client';
import type { StreamEntry } from '../streams/streams.repository.ts';
import { type Connection, type ConnectionOptions, createConnection } from './connection.ts';
import type { Outlet } from './hub.ts';
import { jsonCodec } from './json-codec.ts';
import { CLOSES, type Codec } from './protocol.ts';

export const WS_PATH = '/notifications/ws';

const MAX_FRAME = 64 * 1024;
/** More unsent bytes than this, and the client is closed as slow: nothing is dropped silently. */
const MAX_UNSENT = 1024 * 1024;
/** Bun's own limit is far above ours, since past it Bun drops without a word. */
const BUN_LIMIT = 64 * 1024 * 1024;
const TICK_MS = 1000;
const GRACE_MS = 5000;

type Data = { connection: Connection | undefined; codec: Codec; channels: Set<string> };
type Ws = ServerWebSocket<Data>;

export type Sockets = {
  websocket: WebSocketHandler<Data>;
  /** Answers the upgrade request; undefined when it has become a socket. */
  upgrade(request: Request, server: Server<Data>): Response | undefined;
  outlet: Outlet;
  /** Closes every socket with 3001, so that clients go to another node. */
  shutdown(): void;
  /** Shows how many there are. */
  register(registry: Registry): void;
};

type Options = Omit<ConnectionOptions, 'codec' | 'onConnect' | 'hub'> & {
  /** Known later: the hub needs our outlet first. */
  hub(): ConnectionOptions['hub'];
  origins: readonly string[];
  perUser: number;
};

/** Bun's WebSockets on one side, connections on the other. */
export function createSockets(options: Options): Sockets {
  const all = new Set<Ws>();
  const byChannel = new Map<string, Set<Ws>>();
  const byUser = new Map<string, Connection[]>();
  let server: Server<Data> | undefined;

  function refuseSlow(ws: Ws): void {
    if (ws.getBufferedAmount() <= MAX_UNSENT) return;
    ws.data.connection?.close('slow');
    // The close frame waits behind what the client does not read.
    setTimeout(() => ws.terminate(), GRACE_MS).unref();
  }

  function open(ws: Ws): void {
    all.add(ws);
    ws.data.connection = createConnection(
      {
        send(frame) {
          ws.send(frame);
          refuseSlow(ws);
        },
        close(reason) {
          const [code, text] = CLOSES[reason];
          ws.close(code, text);
        },
        subscribe(channel) {
          ws.subscribe(`${ws.data.codec.name}:${channel}`);
          ws.data.channels.add(channel);
          const subscribers = byChannel.get(channel) ?? new Set();
          byChannel.set(channel, subscribers.add(ws));
        },
      },
      { ...options, hub: options.hub(), codec: ws.data.codec, onConnect },
    );
  }

  function onConnect(connection: Connection, userId: string): void {
    const own = byUser.get(userId) ?? [];
    own.push(connection);
    byUser.set(userId, own);
    while (own.length > options.perUser) own.shift()?.close('connectionLimit');
  }

  // A socket that is being made is not here yet: it looks for itself, right before it is.
  options.verifier.revocations.onRevoked((userId) => {
    for (const connection of byUser.get(userId) ?? []) connection.recheck();
  });

  function closed(ws: Ws): void {
    all.delete(ws);
    for (const channel of ws.data.channels) {
      const subscribers = byChannel.get(channel);
      subscribers?.delete(ws);
      if (subscribers?.size === 0) byChannel.delete(channel);
    }
    const { connection } = ws.data;
    const userId = connection?.userId();
    connection?.onClose();
    if (userId === undefined) return;
    const others = (byUser.get(userId) ?? []).filter((other) => other !== connection);
    if (others.length > 0) byUser.set(userId, others);
    else byUser.delete(userId);
  }

  const ticking = setInterval(() => {
    const now = Date.now();
    for (const ws of all) {
      ws.data.connection?.onTick(now);
      refuseSlow(ws);
    }
  }, TICK_MS);
  ticking.unref();

  return {
    register(registry) {
      new Gauge({
        name: 'live_connections',
        help: 'Sockets that are open on this node.',
        registers: [registry],
        collect() {
          this.set(all.size);
        },
      });
    },

    upgrade(request, bun) {
      server = bun;
      const refuse = (problem: Problem) => problemResponse(problem, WS_PATH, crypto.randomUUID());
      const origin = request.headers.get('Origin');
      // Browsers send cookies and tokens of theirs anywhere, but never a false Origin.
      if (origin !== null && !options.origins.includes(origin))
        return refuse(new Problem('origin_not_allowed'));
      const data: Data = { connection: undefined, codec: jsonCodec, channels: new Set() };
      if (bun.upgrade(request, { data })) return undefined;
      return refuse(new Problem('malformed_request', 'This address wants a WebSocket upgrade.'));
    },

    websocket: {
      maxPayloadLength: MAX_FRAME,
      backpressureLimit: BUN_LIMIT,
      // Pings are the protocol's own.
      idleTimeout: 120,
      sendPings: false,
      perMessageDeflate: false,
      open,
      message: (ws, frame) => ws.data.connection?.onFrame(frame),
      close: closed,
    },

    outlet: {
      deliver(channel: string, entry: StreamEntry) {
        const frame = jsonCodec.publication(channel, entry);
        const sent = server?.publish(`${jsonCodec.name}:${channel}`, frame);
        if (sent === -1) for (const ws of byChannel.get(channel) ?? []) refuseSlow(ws);
      },
      lose(channel) {
        for (const ws of byChannel.get(channel) ?? []) ws.data.connection?.close('insufficientState');
      },
    },

    shutdown() {
      clearInterval(ticking);
      for (const ws of all) ws.data.connection?.close('shutdown');
    },
  };
}
