import type { Tx } from '../db/database.ts';
import type { EventOf, EventType } from './catalog.ts';

/** Work for after the commit, such as a hint to sockets: it may be lost, and must not fail. */
export type AfterCommit = (work: () => void) => void;

/** One event's effects, in the transaction that also moves the reader's position. */
export type Consumer<Type extends EventType> = {
  (tx: Tx, event: EventOf<Type>, after: AfterCommit): Promise<void>;
  /** The same for many events at once; see {@link together}. */
  together?: BatchConsumer<Type>;
};

/** The effects of events in their order; what it does for many is what it does for each in turn. */
export type BatchConsumer<Type extends EventType> = (
  tx: Tx,
  events: readonly EventOf<Type>[],
  after: AfterCommit,
) => Promise<void>;

/** Where a service listens: event name → function. */
export type Consumers = { [Type in EventType]?: Consumer<Type> };

/**
 * A consumer that is given all events of its type in a batch, so that one statement can do for many: several
 * times faster than one each. When it fails, it gets them one by one, to find out whose fault it was.
 */
export function together<Type extends EventType>(consume: BatchConsumer<Type>): Consumer<Type> {
  return Object.assign((tx: Tx, event: EventOf<Type>, after: AfterCommit) => consume(tx, [event], after), {
    together: consume,
  });
}
