import type { Tx } from '../db/database.ts';
import type { EventOf, EventType } from './catalog.ts';

/** Work for after the commit, such as a hint to sockets: it may be lost, and must not fail. */
export type AfterCommit = (work: () => void) => void;

/** One event's effects, in the transaction that also moves the reader's position. */
export type Consumer<Type extends EventType> = (
  tx: Tx,
  event: EventOf<Type>,
  after: AfterCommit,
) => Promise<void>;

/** Where a service listens: event name → function. */
export type Consumers = { [Type in EventType]?: Consumer<Type> };
