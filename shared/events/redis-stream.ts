import type { Redis } from 'ioredis';
import { type Bounds, type EventStream, READER_LIVE_MS } from './stream.ts';

/** Appends what continues the stream and answers its bounds. KEYS: stream. ARGV: first seq, payloads. */
const APPEND = `
local last
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '^%d+')) end
  end
end
local seq = tonumber(ARGV[1])
if last == nil or seq <= last + 1 then
  local skip = last == nil and 0 or last + 1 - seq
  for i = 2 + skip, #ARGV do
    last = seq + i - 2
    redis.call('XADD', KEYS[1], string.format('%.0f-0', last), 'e', ARGV[i])
  end
end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
return {first and first[1] or '', string.format('%.0f', last)}`;

/** A blocked read has a connection to itself; it is cut when Redis stays silent for so much longer. */
const SILENCE_MS = 1500;

/**
 * {@link EventStream} on Redis Streams: entry ids are `<seq>-0`, which Redis itself refuses to go back on.
 * Both keys of a stream share a hash tag, so they live on one node of a cluster.
 */
export function redisStream(redis: Redis): EventStream {
  const connections = new Set<Redis>();
  const idle: Redis[] = [];
  const keyOf = (stream: string) => `events:{${stream}}`;
  const readersOf = (stream: string) => `events:{${stream}}:readers`;

  function openForReading(): Redis {
    // Reading is harmless to repeat, so it may queue until the connection is there.
    const connection = redis.duplicate({
      enableOfflineQueue: true,
      maxRetriesPerRequest: null,
      commandTimeout: undefined,
    });
    connection.on('error', () => {}); // Every command's own rejection tells.
    connections.add(connection);
    return connection;
  }

  function discard(connection: Redis): void {
    connections.delete(connection);
    connection.disconnect();
  }

  return {
    async append(stream, entries) {
      const first = entries[0];
      if (first === undefined) throw new RangeError('nothing to append');
      const payloads = entries.map(({ payload }) => payload);
      const answer = await redis.eval(APPEND, 1, keyOf(stream), first.seq, ...payloads);
      const [firstId, last] = answer as [string, string];
      return { first: firstId === '' ? Number(last) + 1 : seqOf(firstId), last: Number(last) };
    },

    async read(stream, after, { count, waitMs, signal }) {
      if (signal.aborted) return [];
      const connection = idle.pop() ?? openForReading();
      // ioredis leaves a read that its connection is cut under unanswered for ever: we do not wait for it.
      const { promise: cut, resolve: stop, reject: fail } = Promise.withResolvers<undefined>();
      const onAbort = () => stop(undefined);
      const timer = setTimeout(() => fail(new Error('Connection is closed')), waitMs + SILENCE_MS);
      signal.addEventListener('abort', onAbort, { once: true });
      let whole = false;
      try {
        // BLOCK 0 would wait for ever.
        const block = Math.max(1, waitMs);
        const reading = connection.xread(
          'COUNT',
          count,
          'BLOCK',
          block,
          'STREAMS',
          keyOf(stream),
          `${after}-0`,
        );
        const answer = await Promise.race([reading, cut]);
        whole = answer !== undefined;
        const rows = answer?.[0]?.[1] ?? [];
        return rows.map(([id, fields]) => ({ seq: seqOf(id), payload: fields[1] ?? '' }));
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        if (whole) idle.push(connection);
        else discard(connection);
      }
    },

    async bounds(stream): Promise<Bounds | undefined> {
      const key = keyOf(stream);
      const answers = await redis.multi().exists(key).xinfo('STREAM', key).exec();
      const [exists, info] = answers ?? [];
      if (exists === undefined || info === undefined) throw new Error('Connection is closed');
      if (exists[1] === 0) return undefined;
      if (info[0] !== null) throw info[0];
      const fields = info[1] as unknown[];
      const field = (name: string) => fields[fields.indexOf(name) + 1];
      const last = seqOf(String(field('last-generated-id')));
      const entry = field('first-entry') as [string] | null;
      return { first: entry === null ? last + 1 : seqOf(entry[0]), last };
    },

    async trim(stream, through) {
      await redis.xtrim(keyOf(stream), 'MINID', `${through + 1}-0`);
    },

    async drop(stream) {
      await redis.unlink(keyOf(stream));
    },

    async report(stream, reader, position) {
      await redis.hset(readersOf(stream), reader, `${position}:${Date.now()}`);
    },

    async readers(stream) {
      const fields = await redis.hgetall(readersOf(stream));
      return new Map(
        Object.entries(fields).map(([reader, value]) => {
          const [position = '0', at = '0'] = value.split(':');
          return [reader, { position: Number(position), live: Date.now() - Number(at) < READER_LIVE_MS }];
        }),
      );
    },

    ping: () => redis.ping(),

    async close() {
      for (const connection of connections) connection.disconnect();
    },
  };
}

const seqOf = (id: string) => Number(id.slice(0, id.indexOf('-')));
