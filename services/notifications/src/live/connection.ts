import { isUnavailable } from '@tertulia/shared/db/unavailable';
import type { Caller } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Log } from '@tertulia/shared/runtime/log';
import { TokenExpired, TokenOutdated, type TokenVerifier } from '@tertulia/shared/tokens/verify';
import { z } from 'zod';
import { userChannel } from '../streams/streams.repository.ts';
import type { Hub, Prepared } from './hub.ts';
import {
  type Close,
  type Codec,
  type Command,
  ERRORS,
  type ProtocolError,
  positionSchema,
  type Reply,
} from './protocol.ts';

/** What a connection needs of its socket. */
export type Socket = {
  send(frame: string | Uint8Array): void;
  close(reason: Close): void;
  subscribe(channel: string): void;
};

/** Calls that clients make through the socket; the same effect as the HTTP ones. */
export type RpcMethods = Record<string, (userId: string, data: unknown) => Promise<unknown>>;

export type ConnectionOptions = {
  codec: Codec;
  verifier: TokenVerifier;
  hub: Hub;
  rpc: RpcMethods;
  unreadOf(userId: string): Promise<number>;
  /** Told once, when the token has been accepted; may close older sockets of the same user. */
  onConnect(connection: Connection, userId: string): void;
  pingSeconds: number;
  log: Log;
};

export type Connection = {
  onFrame(frame: string | Buffer): void;
  /** Called once a second: time limits are kept here. */
  onTick(now: number): void;
  onClose(): void;
  close(reason: Close): void;
  /** Closes if its token has been revoked; called when that may be so. */
  recheck(): void;
  userId(): string | undefined;
};

const CONNECT_MS = 10_000;
const PONG_MS = 10_000;
/** A socket outlives its token by so long, in which the client brings a fresh one. */
const EXPIRED_MS = 25_000;
const COMMANDS_PER_SECOND = 30;
const BURST = 60;
const MAX_PENDING = 64;
const VERSION = 'tertulia 0.1.0';

const connectData = z.object({ since: z.record(z.string().max(255), positionSchema) });

/** One client: its state from the first frame to the last. Knows the protocol, not the socket. */
export function createConnection(socket: Socket, options: ConnectionOptions): Connection {
  const { codec, hub, verifier, log } = options;
  const client = crypto.randomUUID();
  const opened = Date.now();
  let state: 'new' | 'connecting' | 'connected' | 'closed' = 'new';
  let caller: Caller | undefined;
  let prepared: Prepared[] = [];
  let tokens = BURST;
  let refilled = opened;
  let pinged: number | undefined;
  // Spread over the interval, so that ten thousand sockets are not pinged in one instant.
  let nextPing = opened + Math.random() * options.pingSeconds * 1000;
  let working = Promise.resolve();
  let pending = 0;

  function close(reason: Close): void {
    if (state === 'closed') return;
    onClose();
    socket.close(reason);
  }

  function onClose(): void {
    state = 'closed';
    for (const channel of prepared) channel.release();
    prepared = [];
  }

  const send = (reply: Reply) => {
    if (state !== 'closed') socket.send(codec.reply(reply));
  };
  const fail = (id: number, error: ProtocolError) => send({ id, error });

  /** Token bucket. */
  function allowed(): boolean {
    const now = Date.now();
    tokens = Math.min(BURST, tokens + ((now - refilled) / 1000) * COMMANDS_PER_SECOND);
    refilled = now;
    tokens -= 1;
    return tokens >= 0;
  }

  function onFrame(frame: string | Buffer): void {
    if (state === 'closed') return;
    let commands: (Command | undefined)[];
    try {
      commands = codec.decode(frame);
    } catch {
      close('badRequest');
      return;
    }
    for (const command of commands) {
      if (command === undefined) {
        pinged = undefined;
        continue;
      }
      if (!allowed()) {
        // Told so for a while, then shown the door.
        if (tokens < -BURST || command.id === undefined) {
          close('tooManyRequests');
          return;
        }
        fail(command.id, ERRORS.tooManyRequests);
        continue;
      }
      if (++pending > MAX_PENDING) {
        close('tooManyRequests');
        return;
      }
      // One after another: replies keep the order of their commands.
      working = working.then(async () => {
        if (state !== 'closed') await run(command);
        pending--;
      });
    }
  }

  async function run(command: Command): Promise<void> {
    const { id } = command;
    if (id === undefined || id === 0) return close('badRequest');
    try {
      if (command.connect !== undefined) return await connect(id, command.connect);
      if (caller === undefined) return close('badRequest');
      await obey(id, command, caller);
    } catch (error) {
      if (error instanceof Problem && error.status < 500) return fail(id, ERRORS.badRequest);
      if (!isUnavailable(error)) log.error({ err: error }, 'command failed');
      fail(id, ERRORS.internal);
    }
  }

  async function obey(id: number, command: Command, { userId }: Caller): Promise<void> {
    if (command.refresh !== undefined) return refresh(id, command.refresh.token, userId);
    if (command.rpc !== undefined) {
      const method = Object.hasOwn(options.rpc, command.rpc.method)
        ? options.rpc[command.rpc.method]
        : undefined;
      if (method === undefined) return fail(id, ERRORS.methodNotFound);
      return send({ id, rpc: { data: await method(userId, command.rpc.data) } });
    }
    if (command.subscribe !== undefined) {
      const own = command.subscribe.channel === userChannel(userId);
      return fail(id, own ? ERRORS.alreadySubscribed : ERRORS.permissionDenied);
    }
    fail(id, command.history === undefined ? ERRORS.methodNotFound : ERRORS.notAvailable);
  }

  /** Undefined when the answer has been given already. */
  async function authenticate(id: number, token: string): Promise<Caller | undefined> {
    try {
      return await verifier.verify(token);
    } catch (error) {
      // With error 109 the SDK fetches a fresh token and connects anew, its positions kept.
      if (error instanceof TokenExpired || (error instanceof TokenOutdated && state === 'connecting')) {
        fail(id, ERRORS.tokenExpired);
      } else if (error instanceof TokenOutdated) {
        // 109 on a refresh would be the end for the SDK; on a close below 3500 it connects again.
        close('expired');
      } else if (error instanceof Problem) close('invalidToken');
      else throw error;
      return undefined;
    }
  }

  async function connect(id: number, command: NonNullable<Command['connect']>): Promise<void> {
    if (state !== 'new') return close('badRequest');
    state = 'connecting';
    const accepted = await authenticate(id, command.token);
    if (accepted === undefined) {
      if (state === 'connecting') state = 'new';
      return;
    }
    const { userId } = accepted;
    const channel = userChannel(userId);
    // After a page was loaded anew, the SDK knows no positions: the application may have kept them.
    const since = connectData.safeParse(command.data).data?.since[channel];
    const given = command.subs[channel];
    const position = given?.recover ? given : since;
    const [ready, unread] = await Promise.all([hub.prepare(channel, position), options.unreadOf(userId)]);
    if ((state as string) === 'closed') return ready.release();
    const verdict = verifier.revocations.verdict(accepted);
    if (verdict !== undefined) {
      ready.release();
      if (verdict === 'dead') return close('invalidToken');
      state = 'new';
      return fail(id, ERRORS.tokenExpired);
    }
    prepared = [ready];
    caller = accepted;
    state = 'connected';
    // From here to the subscription nothing waits: no entry can slip in between.
    const { offset, recovered, publications } = ready.take();
    send({
      id,
      connect: {
        client,
        version: VERSION,
        expires: true,
        ttl: secondsLeft(accepted),
        ping: options.pingSeconds,
        pong: true,
        data: { userId, unread },
        subs: {
          [channel]: {
            recoverable: true,
            positioned: true,
            epoch: hub.epoch,
            offset,
            was_recovering: position !== undefined,
            recovered,
            publications,
          },
        },
      },
    });
    socket.subscribe(channel);
    options.onConnect(connection, userId);
  }

  async function refresh(id: number, token: string, userId: string): Promise<void> {
    const fresh = await authenticate(id, token);
    if (fresh === undefined) return;
    if (fresh.userId !== userId) return close('invalidToken');
    caller = fresh;
    recheck();
    send({ id, refresh: { client, version: VERSION, expires: true, ttl: secondsLeft(fresh) } });
  }

  function recheck(): void {
    const verdict = caller === undefined ? undefined : verifier.revocations.verdict(caller);
    if (verdict !== undefined) close(verdict === 'dead' ? 'invalidToken' : 'expired');
  }

  function onTick(now: number): void {
    if (state === 'new' || state === 'connecting') {
      if (now - opened > CONNECT_MS) close('stale');
      return;
    }
    if (state === 'closed' || caller === undefined) return;
    if (now > caller.expiresAt * 1000 + EXPIRED_MS) {
      close('expired');
      return;
    }
    recheck();
    if ((state as string) === 'closed') return;
    if (pinged !== undefined && now - pinged > PONG_MS) {
      close('noPong');
      return;
    }
    if (pinged === undefined && now >= nextPing) {
      pinged = now;
      nextPing = now + options.pingSeconds * 1000;
      socket.send(codec.ping);
    }
  }

  const connection: Connection = { onFrame, onTick, onClose, close, recheck, userId: () => caller?.userId };
  return connection;
}

const secondsLeft = ({ expiresAt }: Caller) => Math.max(1, Math.ceil(expiresAt - Date.now() / 1000));
