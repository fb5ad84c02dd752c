import type { Db } from '@tertulia/shared/db/database';
import type { LiveBus } from '@tertulia/shared/live/bus';
import type { Log } from '@tertulia/shared/runtime/log';
import { every, type Loop } from '@tertulia/shared/runtime/loop';
import { entriesAfter, KEPT_ENTRIES, lastOffsets, type StreamEntry } from '../streams/streams.repository.ts';
import type { Position } from './protocol.ts';

/** A lost hint is noticed within so long. */
const COMPARE_MS = 5000;
/** So long a new channel waits for the bus; a bus that is away keeps nobody out. */
const FOLLOW_MS = 500;
const CATCH_UP = 500;
const COMPARE_BATCH = 1000;
/** What a client may get at once when it comes back, and what may wait for it meanwhile. */
export const MAX_RECOVERED_BYTES = 4 * 1024 * 1024;

/** Where a channel's entries go on this node. */
export type Outlet = {
  /** To every socket that is subscribed. */
  deliver(channel: string, entry: StreamEntry): void;
  /** Entries are gone before they could be delivered: sockets of the channel must start over. */
  lose(channel: string): void;
};

/** What a client gets on subscribing. `take` must be followed by the subscription without an `await`. */
export type Prepared = {
  take(): { offset: number; recovered: boolean; publications: StreamEntry[] };
  release(): void;
};

export type Hub = {
  epoch: string;
  /** Tells every node, this one too, of a committed entry. It may get lost: the nodes compare counters. */
  publish(channel: string, entry: StreamEntry): void;
  /** Readies a channel for one more socket. */
  prepare(channel: string, since: Position | undefined): Promise<Prepared>;
  close(): Promise<void>;
};

type Waiting = { entries: StreamEntry[]; bytes: number };

type Channel = {
  /** Offset of the last entry that was delivered here. */
  position: number;
  users: number;
  waiting: Set<Waiting>;
  /** Catching up takes turns. */
  turn: Promise<void>;
  /** The subscription to the bus, once there is one or it is on its way. */
  following: Promise<void> | undefined;
  /** Something came before the position was known. */
  stirred: boolean;
  leave: () => void;
};

type Options = { db: Db; bus: LiveBus; epoch: string; outlet: Outlet; log: Log };

/**
 * The channels of this node. The bus carries hints, not truth: a hint with the entry that is next is used as
 * it is, anything else (lost, overtaken, too large) makes the node read the gap from Postgres.
 */
export function createHub({ db, bus, epoch, outlet, log }: Options): Hub {
  const channels = new Map<string, Promise<Channel>>();
  const open = new Map<string, Channel>();

  function deliver(name: string, channel: Channel, entry: StreamEntry): void {
    channel.position = entry.offset;
    outlet.deliver(name, entry);
    for (const waiting of channel.waiting) {
      waiting.bytes += entry.data.length;
      // Past the bound it is not recovered any more: what is left out here shows in `take`.
      if (waiting.bytes <= MAX_RECOVERED_BYTES) waiting.entries.push(entry);
    }
  }

  /** Delivers what Postgres has beyond our position. */
  function catchUp(name: string, channel: Channel): Promise<void> {
    const turn = channel.turn.then(async () => {
      for (let full = true; full; ) {
        const entries = await entriesAfter(db, name, channel.position, CATCH_UP);
        full = entries.length === CATCH_UP;
        for (const entry of entries) {
          // A hint may have been faster than the query.
          if (entry.offset <= channel.position) continue;
          if (entry.offset > channel.position + 1) outlet.lose(name);
          deliver(name, channel, entry);
        }
      }
    });
    channel.turn = turn.catch(() => {});
    return turn;
  }

  function onHint(name: string, channel: Channel, message: string): void {
    const entry = parseHint(message);
    if (entry !== undefined && entry.offset <= channel.position) return;
    if (entry !== undefined && entry.offset === channel.position + 1) deliver(name, channel, entry);
    else
      catchUp(name, channel).catch((err: unknown) => log.warn({ err, channel: name }, 'not caught up yet'));
  }

  /** Subscribes to the bus. Without it counters are compared, and it is tried again then. */
  function follow(name: string, channel: Channel): void {
    const isOpen = () => open.get(name) === channel;
    let left = false;
    let leaveBus = () => {};
    channel.leave = () => {
      left = true;
      leaveBus();
    };
    channel.following = bus
      .subscribe(name, (message) => {
        if (isOpen()) onHint(name, channel, message);
        else channel.stirred = true;
      })
      .then(
        (leave) => {
          leaveBus = leave;
          if (left) leave();
          // It took so long that something may have been missed.
          else if (isOpen()) return catchUp(name, channel);
        },
        () => {
          channel.following = undefined;
        },
      )
      .catch((err: unknown) => log.warn({ err, channel: name }, 'not caught up yet'));
  }

  async function openChannel(name: string): Promise<Channel> {
    const channel: Channel = {
      position: 0,
      users: 0,
      waiting: new Set(),
      turn: Promise.resolve(),
      following: undefined,
      stirred: false,
      leave: () => {},
    };
    follow(name, channel);
    await Promise.race([channel.following, Bun.sleep(FOLLOW_MS)]);
    try {
      channel.position = (await lastOffsets(db, [name])).get(name) ?? 0;
    } catch (error) {
      channel.leave();
      throw error;
    }
    open.set(name, channel);
    // What came until now is in Postgres, though perhaps not in what was just read.
    if (channel.stirred) await catchUp(name, channel);
    return channel;
  }

  async function acquire(name: string): Promise<Channel> {
    let opening = channels.get(name);
    if (opening === undefined) {
      opening = openChannel(name);
      channels.set(name, opening);
      opening.catch(() => channels.delete(name));
    }
    const channel = await opening;
    // It may have been closed for want of users while we waited.
    if (channels.get(name) !== opening) return acquire(name);
    channel.users++;
    return channel;
  }

  function release(name: string, channel: Channel): void {
    if (--channel.users > 0) return;
    channels.delete(name);
    open.delete(name);
    channel.leave();
  }

  /** Compares our positions with the counters: what the bus has lost shows here. */
  async function compare(): Promise<void> {
    const names = [...open.keys()];
    for (const [name, channel] of open) if (channel.following === undefined) follow(name, channel);
    for (let at = 0; at < names.length; at += COMPARE_BATCH) {
      const offsets = await lastOffsets(db, names.slice(at, at + COMPARE_BATCH));
      for (const [name, offset] of offsets) {
        const channel = open.get(name);
        if (channel !== undefined && offset > channel.position) await catchUp(name, channel);
      }
    }
  }

  const onError = (err: unknown) => log.warn({ err }, 'counters not compared');
  const comparing: Loop = every(COMPARE_MS, compare, onError);
  bus.onGap(() => void compare().catch(onError));

  return {
    epoch,
    publish(name, entry) {
      bus.publish(name, JSON.stringify([entry.offset, entry.data])).catch((err: unknown) => {
        log.debug({ err, channel: name }, 'hint not carried');
      });
    },

    async prepare(name, since) {
      const channel = await acquire(name);
      const waiting: Waiting = { entries: [], bytes: 0 };
      channel.waiting.add(waiting);
      let held = true;
      const letGo = () => {
        channel.waiting.delete(waiting);
        if (held) release(name, channel);
        held = false;
      };
      try {
        const missed = await readMissed(db, epoch, name, since);
        const top = missed?.at(-1)?.offset ?? since?.offset ?? 0;
        // Others here get first what this client has read, so that its place in the channel is one for all.
        if (top > channel.position) await catchUp(name, channel);
        return {
          take() {
            channel.waiting.delete(waiting);
            const fresh = waiting.entries.filter(({ offset }) => offset > top);
            const publications = [...(missed ?? []), ...fresh];
            const bytes = publications.reduce((sum, { data }) => sum + data.length, 0);
            const reached = publications.at(-1)?.offset ?? top;
            const recovered =
              missed !== undefined && bytes <= MAX_RECOVERED_BYTES && reached === channel.position;
            return { offset: channel.position, recovered, publications: recovered ? publications : [] };
          },
          release: letGo,
        };
      } catch (error) {
        letGo();
        throw error;
      }
    },

    async close() {
      await comparing.stop();
    },
  };
}

/** What came after a position; undefined when that cannot be told for certain. */
async function readMissed(db: Db, epoch: string, name: string, since: Position | undefined) {
  if (since === undefined || since.epoch !== epoch || since.offset < 0) return undefined;
  const last = (await lastOffsets(db, [name])).get(name) ?? 0;
  // A position that we never gave, or one that is too old.
  if (since.offset > last || last - since.offset > KEPT_ENTRIES) return undefined;
  const entries = await entriesAfter(db, name, since.offset, KEPT_ENTRIES * 2);
  const whole = entries.every(({ offset }, at) => offset === since.offset + at + 1);
  return whole && entries.length >= last - since.offset ? entries : undefined;
}

function parseHint(message: string): StreamEntry | undefined {
  if (message === '') return undefined;
  try {
    const [offset, data] = JSON.parse(message) as [number, string];
    return { offset, data };
  } catch {
    return undefined;
  }
}
