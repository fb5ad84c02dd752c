import { and, eq, sql } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { startLeader } from '../db/leader.ts';
import { isUnavailable } from '../db/unavailable.ts';
import type { Log } from '../runtime/log.ts';
import { type Loop, pause } from '../runtime/loop.ts';
import type { Source } from './catalog.ts';
import type { AfterCommit, Consumers } from './consumers.ts';
import { type Envelope, envelopeSchema } from './envelope.ts';
import { describe, handle, handleAll } from './handle.ts';
import { retrySetAside } from './set-aside.ts';
import { type Entry, type EventStream, OUTBOX_FLOOR } from './stream.ts';
import { setAside, streamPositions } from './tables.ts';

const BATCH = 1000;
const WAIT_MS = 1000;
const RETRY_MS = 300;
const REPORT_MS = 200;

type Options = {
  /** Whose stream is read. */
  source: Source;
  /** Who reads: the consuming service's name. */
  reader: string;
  url: string;
  db: Db;
  stream: EventStream;
  consumers: Consumers;
  log: Log;
  /** First delay before a failed event is tried again, ms; it grows fourfold with each try. */
  retryMs?: number;
};

/**
 * Applies the events of one stream to this service's database, in order, each exactly once: effects and
 * position move in one transaction. An event at or below the position is done; one that is not the next shows
 * a gap, which the relay fills. One reader is active per service and stream, by an advisory lock.
 */
export function startReader(options: Options): Loop {
  const { source, reader, url, log } = options;
  return startLeader({
    url,
    name: `reader:${reader}:${source}`,
    log,
    lead: (signal) => lead(options, signal),
  });
}

async function lead(options: Options, signal: AbortSignal): Promise<void> {
  const { source, reader, db, stream, log } = options;
  let reported = 0;
  let retryAt = 0;
  let position: number | undefined;
  async function report(): Promise<void> {
    if (position === undefined || Date.now() - reported < REPORT_MS) return;
    reported = Date.now();
    await stream.report(source, reader, position);
  }

  while (!signal.aborted) {
    try {
      position ??= await positionOf(db, source);
      await report();
      if (Date.now() >= retryAt) {
        const dueIn = await retrySetAside(options);
        retryAt = Date.now() + Math.min(dueIn ?? WAIT_MS, WAIT_MS);
      }
      const waitMs = Math.max(1, retryAt - Date.now());
      const entries = await stream.read(source, position, { count: BATCH, waitMs, signal });
      const [first] = entries;
      if (first === undefined) continue;
      const next = consecutive(entries, position);
      if (next.length === 0) {
        position = await wait(position, first.seq);
        continue;
      }
      const { setAside } = await apply(options, position, next);
      position += next.length;
      if (setAside) retryAt = 0;
    } catch (err) {
      position = undefined;
      if (signal.aborted) return;
      if (!isUnavailable(err)) log.error({ err, source, reader }, 'reader failed; trying again');
      await pause(RETRY_MS, signal);
    }
  }

  /** A gap: the relay fills it once it knows our position. What the outbox has forgotten is passed over. */
  async function wait(at: number, next: number): Promise<number> {
    await stream.report(source, reader, at);
    const floor = (await stream.readers(source)).get(OUTBOX_FLOOR)?.position ?? 0;
    if (floor > at) {
      if (at > 0)
        log.error({ source, reader, position: at, floor }, 'events are gone for good: away for too long');
      await db
        .update(streamPositions)
        .set({ position: floor })
        .where(and(eq(streamPositions.source, source), eq(streamPositions.position, at)));
      return floor;
    }
    log.warn({ source, reader, position: at, next }, 'gap in the stream; waiting for the relay');
    await pause(RETRY_MS, signal);
    return at;
  }
}

/** The entries that continue a position; what follows a gap is left out. */
function consecutive(entries: readonly Entry[], position: number): Entry[] {
  const fresh = entries.filter(({ seq }) => seq > position);
  return fresh.filter(({ seq }, at) => seq === position + 1 + at);
}

async function positionOf(db: Db, source: Source): Promise<number> {
  await db.insert(streamPositions).values({ source, position: 0 }).onConflictDoNothing();
  const [row] = await db
    .select({ position: streamPositions.position })
    .from(streamPositions)
    .where(eq(streamPositions.source, source));
  return row?.position ?? 0;
}

type Item = Entry & { envelope: Envelope };

/** Applies consecutive entries after `position`; tells whether any was set aside. */
async function apply(options: Options, position: number, entries: readonly Entry[]) {
  const items = entries.map((entry) => ({ ...entry, envelope: parse(entry) }));
  const last = position + entries.length;
  const run = async (effects: (tx: Tx, after: AfterCommit) => Promise<void>) => {
    const after: (() => void)[] = [];
    await options.db.transaction(async (tx) => {
      await move(tx, options.source, position, last);
      await effects(tx, (work) => after.push(work));
    });
    for (const work of after) work();
  };
  try {
    // The whole batch at once; a failure takes the slow way, which finds out whose it was.
    await run((tx, after) => applyTogether(options, tx, items, after));
    return { setAside: false };
  } catch (error) {
    if (isUnavailable(error) || error instanceof Overtaken) throw error;
    await run((tx, after) => applyApart(options, tx, items, after));
    return { setAside: true };
  }
}

/** Another reader was faster: nothing of this batch may happen. */
class Overtaken extends Error {}

async function move(tx: Tx, source: Source, from: number, to: number): Promise<void> {
  const moved = await tx
    .update(streamPositions)
    .set({ position: to })
    .where(and(eq(streamPositions.source, source), eq(streamPositions.position, from)))
    .returning({ position: streamPositions.position })
    .prepare('move')
    .execute();
  if (moved.length === 0) throw new Overtaken(`position ${from} of ${source} has been passed`);
}

/** What waits behind an event that was set aside goes there too; all else is handled at once. */
async function applyTogether(options: Options, tx: Tx, items: readonly Item[], after: AfterCommit) {
  const blocked = await blockedSubjects(tx, options.source, items);
  const [behind, free] = [items.filter(isBlocked), items.filter((item) => !isBlocked(item))];
  for (const item of behind) await putAside(tx, options, item, null);
  await handleAll(
    options.consumers,
    tx,
    free.map(({ envelope }) => envelope),
    after,
  );

  function isBlocked({ envelope }: Item): boolean {
    return blocked.has(envelope.subject);
  }
}

/** One after another, each in a savepoint: what fails is set aside, and its subject with it. */
async function applyApart(options: Options, tx: Tx, items: readonly Item[], after: AfterCommit) {
  const blocked = await blockedSubjects(tx, options.source, items);
  for (const item of items) {
    if (blocked.has(item.envelope.subject)) {
      await putAside(tx, options, item, null);
      continue;
    }
    const done: (() => void)[] = [];
    try {
      await tx.transaction((point) =>
        handle(options.consumers, point, item.envelope, (work) => done.push(work)),
      );
      for (const work of done) after(work);
    } catch (error) {
      // A lost store is nobody's fault: no try is counted, the whole batch comes again.
      if (isUnavailable(error)) throw error;
      options.log.warn({ err: error, source: options.source, seq: item.seq }, 'event set aside');
      await putAside(tx, options, item, error);
      blocked.add(item.envelope.subject);
    }
  }
}

async function blockedSubjects(tx: Tx, source: Source, items: readonly Item[]): Promise<Set<string>> {
  const subjects = [...new Set(items.map(({ envelope }) => envelope.subject))];
  const rows = await tx
    .selectDistinct({ subject: setAside.subject })
    .from(setAside)
    .where(and(eq(setAside.source, source), sql`${setAside.subject} = any(${sql.param(subjects)})`))
    .prepare('blocked')
    .execute();
  return new Set(rows.map(({ subject }) => subject));
}

async function putAside(
  tx: Tx,
  { source, retryMs = 1000 }: Options,
  item: Item,
  error: unknown,
): Promise<void> {
  const failed = error !== null;
  await tx.insert(setAside).values({
    source,
    seq: item.seq,
    subject: item.envelope.subject,
    envelope: item.payload,
    error: failed ? describe(error) : null,
    tries: failed ? 1 : 0,
    dueAt: sql`now() + ${failed ? retryMs : 0} * interval '1 millisecond'`,
  });
}

/** A payload that is no envelope would stop the stream for good: it becomes an event of its own subject. */
function parse({ seq, payload }: Entry): Envelope {
  try {
    return envelopeSchema.parse(JSON.parse(payload));
  } catch {
    const occurredAt = new Date().toISOString();
    const id = Bun.randomUUIDv7();
    return {
      id,
      type: 'unreadable',
      version: 1,
      source: '',
      subject: `unreadable:${seq}`,
      actorId: null,
      occurredAt,
      data: null,
    };
  }
}
