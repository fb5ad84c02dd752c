import type { Sql } from '../db/database.ts';
import { startLeader } from '../db/leader.ts';
import { listenForever } from '../db/listen.ts';
import { isUnavailable } from '../db/unavailable.ts';
import type { Log } from '../runtime/log.ts';
import { type Bell, createBell, every, type Loop, pause } from '../runtime/loop.ts';
import { OUTBOX_CHANNEL } from './announce.ts';
import type { Source } from './catalog.ts';
import { type EventStream, OUTBOX_FLOOR } from './stream.ts';

const BATCH = 1000;
const POLL_MS = 1000;
const INSPECT_MS = 1000;
const RETRY_MS = 300;
const SWEEP_MS = 60_000;
/** A reader that is further behind is served from Postgres again: a stream does not grow without bound. */
const MAX_STREAM = 100_000;

type Options = {
  source: Source;
  url: string;
  sql: Sql;
  stream: EventStream;
  log: Log;
  /** Most entries a stream holds; smaller in tests. */
  maxStream?: number;
};

type Row = { seq: number; payload: string };

/**
 * Moves events from the outbox to the service's stream. Unpublished rows get the next numbers of a gapless
 * sequence, committed before they are appended; appending what is already there does nothing. So a relay may
 * die anywhere, or run beside another that was thought dead, and the stream stays exact.
 *
 * One is active per service, by an advisory lock.
 */
export function startRelay(options: Options): Loop {
  const { source, url, sql, log } = options;
  const bell = createBell();
  const listening = listenForever(sql, OUTBOX_CHANNEL, bell.ring, log);
  const leader = startLeader({
    url,
    name: `relay:${source}`,
    log,
    lead: (signal) => lead(options, bell, signal),
  });
  const sweeper = every(
    SWEEP_MS,
    () => sweepOutbox(sql),
    (err) => log.warn({ err }, 'outbox not swept'),
  );
  return {
    async stop() {
      await Promise.all([leader.stop(), sweeper.stop()]);
      await listening.stop();
    },
  };
}

async function lead(options: Options, bell: Bell, signal: AbortSignal) {
  const { source, sql, stream, log } = options;
  await sql`insert into outbox_head default values on conflict do nothing`;
  /** Last entry known to be on the stream; undefined when that must be looked up. */
  let sent: number | undefined;
  let limit = 0;
  let inspected = 0;

  while (!signal.aborted) {
    try {
      if (sent === undefined || Date.now() - inspected > INSPECT_MS) {
        ({ sent, limit } = await inspectStream(options));
        inspected = Date.now();
      }
      if (sent >= limit) {
        // The slowest living reader is a whole stream behind: let it catch up.
        await pause(RETRY_MS, signal);
        continue;
      }
      const numbered = await numberRows(sql);
      // What was just numbered is most often what comes next: no second query then.
      const rows = numbered[0]?.seq === sent + 1 ? numbered : await rowsAfter(sql, sent);
      const [first, last] = [rows[0], rows.at(-1)];
      if (first === undefined || last === undefined) {
        await bell.wait(POLL_MS, signal);
        continue;
      }
      const bounds = await stream.append(source, rows);
      // Anything else than our last row at its end: the stream has lost or gained something.
      sent = bounds.last === last.seq ? last.seq : undefined;
    } catch (err) {
      sent = undefined;
      if (!isUnavailable(err)) log.error({ err, source }, 'relay failed; trying again');
      await pause(RETRY_MS, signal);
    }
  }
}

/**
 * Gives unpublished rows, in id order, the next numbers, and returns them. Late commits are met late: rows
 * are marked, no cursor is kept. The head's row lock makes rivals take turns; the second statement sees what
 * the one before them did.
 */
async function numberRows(sql: Sql): Promise<Row[]> {
  const [, rows] = await sql.begin((tx) => [
    tx`select 1 from outbox_head for update`,
    tx<{ seq: string; payload: string }[]>`
      with batch as materialized (
        select id, row_number() over (order by id) as place
        from (select id from outbox where seq is null order by id limit ${BATCH}) as next
      ),
      head as materialized (select seq from outbox_head),
      moved as (update outbox_head set seq = head.seq + (select count(*) from batch) from head)
      update outbox set seq = head.seq + batch.place from batch, head where outbox.id = batch.id
      returning outbox.seq, outbox.envelope as payload`,
  ]);
  return rows.map(toRow).sort((a, b) => a.seq - b.seq);
}

async function rowsAfter(sql: Sql, seq: number): Promise<Row[]> {
  const rows = await sql<{ seq: string; payload: string }[]>`
    select seq, envelope as payload from outbox where seq > ${seq} order by seq limit ${BATCH}`;
  return rows.map(toRow);
}

const toRow = ({ seq, payload }: { seq: string; payload: string }): Row => ({ seq: Number(seq), payload });

/**
 * Looks whether the stream still holds what its readers need; if not, drops it, to be filled again from the
 * lowest living reader's position. Keeps what readers told in Postgres, trims what all have passed, and
 * returns the last entry on the stream and how far it may grow.
 */
async function inspectStream(options: Options): Promise<{ sent: number; limit: number }> {
  const { sql, stream, source, log, maxStream = MAX_STREAM } = options;
  const told = await stream.readers(source);
  told.delete(OUTBOX_FLOOR);
  for (const [reader, { position }] of told) {
    await sql`
      insert into outbox_readers (reader, position) values (${reader}, ${position})
      on conflict (reader) do update set position = excluded.position
      where outbox_readers.position <> excluded.position`;
  }
  const [state] = await sql<{ head: string; floor: string; lowest: string | null }[]>`
    select (select seq from outbox_head) as head,
      coalesce((select min(seq) - 1 from outbox where seq is not null), (select seq from outbox_head)) as floor,
      (select min(position) from outbox_readers) as lowest`;
  const head = Number(state?.head ?? 0);
  const floor = Number(state?.floor ?? 0);
  const lowest = Number(state?.lowest ?? 0);
  await stream.report(source, OUTBOX_FLOOR, floor);

  const living = [...told.values()].filter(({ live }) => live).map(({ position }) => position);
  const limit = living.length > 0 ? Math.min(...living) + maxStream : Number.POSITIVE_INFINITY;
  // Nobody has reported since Redis lost everything: then what Postgres remembers is the safe answer.
  const needed = Math.max(living.length > 0 ? Math.min(...living) : lowest, floor);
  const bounds = await stream.bounds(source);
  // The last: a Redis restored from so long ago that the outbox cannot continue what it has.
  const missing = bounds === undefined || bounds.first > needed + 1 || bounds.last < floor;
  if (missing && needed < head) {
    log.warn({ source, from: needed + 1, head, bounds }, 'stream is filled again from the outbox');
    await stream.drop(source);
    return { sent: needed, limit };
  }
  if (bounds === undefined) return { sent: needed, limit };
  if (bounds.last > head) {
    log.error({ source, head, bounds }, 'the stream is ahead of the outbox: was the database restored?');
  }
  // Who lives is waited for; who is away is served from the outbox again if the stream grows too long.
  const through = Math.min(Math.max(lowest, bounds.last - maxStream), ...living);
  if (through >= bounds.first) await stream.trim(source, through);
  return { sent: bounds.last, limit };
}

/**
 * Forgets events that every reader has passed and that are a week old, in batches: always the first ones, as a
 * hole between numbered rows could not be told from their end.
 */
async function sweepOutbox(sql: Sql): Promise<void> {
  for (let gone = BATCH; gone === BATCH; ) {
    const rows = await sql`
      with oldest as materialized (
        select seq, created_at < now() - interval '7 days' as due from outbox
        where seq <= (select min(position) from outbox_readers) order by seq limit ${BATCH}
      )
      delete from outbox where seq in (select seq from oldest)
        and seq < coalesce((select min(seq) from oldest where not due), 'infinity'::float8)
      returning 1`;
    gone = rows.length;
  }
}
