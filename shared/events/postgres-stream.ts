import type { Sql } from '../db/database.ts';
import { endStalled } from '../db/stalled.ts';
import { every } from '../runtime/loop.ts';
import { type EventStream, READER_LIVE_MS } from './stream.ts';

const CHANNEL = 'event_streams';
const LOOK_MS = 5000;

/** Made at opening, in a database that every service reaches. */
const TABLES = `
create table if not exists event_streams (stream text primary key, first bigint not null, last bigint not null);
create table if not exists event_entries (
  stream text not null, seq bigint not null, payload text not null, primary key (stream, seq)
);
create table if not exists event_readers (
  stream text not null, reader text not null, position bigint not null, at timestamptz not null,
  primary key (stream, reader)
);`;

/**
 * {@link EventStream} on Postgres: a table and `NOTIFY`, for installations without Redis. A slow poll stands
 * behind the notifications: `waitMs` bounds every wait.
 */
export async function postgresStream(sql: Sql): Promise<EventStream> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('event_streams'))`;
    await tx.unsafe(TABLES).simple();
  });
  const waiting = new Map<string, Set<() => void>>();
  const wake = (stream: string) => {
    for (const resolve of waiting.get(stream) ?? []) resolve();
  };
  const wakeAll = () => {
    for (const stream of waiting.keys()) wake(stream);
  };
  const listening = sql.listen(CHANNEL, wake, wakeAll);
  await listening;

  // Who appends holds its stream's row. While the database is away, the next look is as good.
  const looking = every(
    LOOK_MS,
    () => endStalled(sql),
    () => {},
  );

  const fetchAfter = (stream: string, after: number, count: number) => sql<
    { seq: string; payload: string }[]
  >`
    select seq, payload from event_entries where stream = ${stream} and seq > ${after} order by seq limit ${count}`;

  return {
    append: (stream, entries) =>
      sql.begin(async (tx) => {
        const first = entries[0];
        if (first === undefined) throw new RangeError('nothing to append');
        await tx`
          insert into event_streams (stream, first, last) values (${stream}, ${first.seq}, ${first.seq - 1})
          on conflict do nothing`;
        const [row] = await tx<{ first: string; last: string }[]>`
          select first, last from event_streams where stream = ${stream} for update`;
        const bounds = { first: Number(row?.first), last: Number(row?.last) };
        if (first.seq > bounds.last + 1) return bounds;
        const fresh = entries.filter(({ seq }) => seq > bounds.last);
        const last = fresh.at(-1)?.seq;
        if (last === undefined) return bounds;
        const payloads = fresh.map(({ payload }) => payload);
        await Promise.all([
          tx`
            insert into event_entries (stream, seq, payload)
            select ${stream}, ${bounds.last}::bigint + place, payload
            from unnest(${payloads}::text[]) with ordinality as given (payload, place)`,
          tx`update event_streams set last = ${last} where stream = ${stream}`,
          tx`select pg_notify(${CHANNEL}, ${stream})`,
        ]);
        return { ...bounds, last };
      }),

    async read(stream, after, { count, waitMs, signal }) {
      if (signal.aborted) return [];
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiters = waiting.get(stream) ?? new Set();
      waiting.set(stream, waiters.add(resolve));
      const timer = setTimeout(resolve, waitMs);
      const stop = () => resolve();
      signal.addEventListener('abort', stop, { once: true });
      try {
        let rows = await fetchAfter(stream, after, count);
        if (rows.length === 0) {
          // Registered before the look, so what came in between has woken us.
          await promise;
          rows = await fetchAfter(stream, after, count);
        }
        return rows.map(({ seq, payload }) => ({ seq: Number(seq), payload }));
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        waiters.delete(resolve);
      }
    },

    async bounds(stream) {
      const [row] = await sql<{ first: string; last: string }[]>`
        select first, last from event_streams where stream = ${stream}`;
      return row === undefined ? undefined : { first: Number(row.first), last: Number(row.last) };
    },

    async trim(stream, through) {
      await sql.begin((tx) => [
        tx`update event_streams set first = greatest(first, least(${through}::bigint, last) + 1) where stream = ${stream}`,
        tx`delete from event_entries where stream = ${stream} and seq <= ${through}`,
      ]);
    },

    async drop(stream) {
      await sql.begin((tx) => [
        tx`delete from event_streams where stream = ${stream}`,
        tx`delete from event_entries where stream = ${stream}`,
      ]);
    },

    async report(stream, reader, position) {
      await sql`
        insert into event_readers (stream, reader, position, at) values (${stream}, ${reader}, ${position}, now())
        on conflict (stream, reader) do update set position = excluded.position, at = excluded.at`;
    },

    async readers(stream) {
      const rows = await sql<{ reader: string; position: string; live: boolean }[]>`
        select reader, position, at > now() - ${READER_LIVE_MS} * interval '1 millisecond' as live
        from event_readers where stream = ${stream}`;
      return new Map(
        rows.map(({ reader, position, live }) => [reader, { position: Number(position), live }]),
      );
    },

    ping: () => sql`select 1`,

    async close() {
      wakeAll();
      await looking.stop();
      await (await listening).unlisten().catch(() => {});
    },
  };
}
