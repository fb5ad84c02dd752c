/** One event on a stream: its place in the source's gapless sequence, and the envelope as JSON. */
export type Entry = { seq: number; payload: string };

/** What a stream holds: `first` to `last`, both inclusive; `first` is `last + 1` when it is trimmed empty. */
export type Bounds = { first: number; last: number };

export type ReadOptions = {
  /** At most so many entries. */
  count: number;
  /** Wait so long for the first one. */
  waitMs: number;
  signal: AbortSignal;
};

/** How far a reader has come, and whether it has said so within the last ten seconds. */
export type ReaderState = { position: number; live: boolean };

/** A reader that has not reported for so long is not waited for when the stream is full. */
export const READER_LIVE_MS = 10_000;

/**
 * What carries events from a service's outbox to its readers. It may lose everything: the relay fills it
 * again from Postgres. All of it rejects, with an error that `isUnavailable` knows, while its store is away.
 */
export type EventStream = {
  /**
   * Appends consecutive entries, atomically; those the stream has already are skipped. Entries that would
   * leave a gap are refused; an absent stream takes any start. Returns the bounds afterwards.
   */
  append(stream: string, entries: readonly Entry[]): Promise<Bounds>;
  /** Entries after a position, in order; empty when none came in time. */
  read(stream: string, after: number, options: ReadOptions): Promise<Entry[]>;
  /** Undefined for an absent stream. */
  bounds(stream: string): Promise<Bounds | undefined>;
  /** Forgets entries up to and including `through`; `last` stays known. */
  trim(stream: string, through: number): Promise<void>;
  /** Forgets the stream as if it had never been; what readers reported stays. */
  drop(stream: string): Promise<void>;
  /** A reader tells its position; the relay tells under {@link OUTBOX_FLOOR}. */
  report(stream: string, reader: string, position: number): Promise<void>;
  readers(stream: string): Promise<Map<string, ReaderState>>;
  ping(): Promise<unknown>;
  close(): Promise<void>;
};

/** Not a reader: the highest `seq` that the outbox no longer holds. */
export const OUTBOX_FLOOR = '@floor';
