import { z } from 'zod';
import { integer, parseEnv } from '../config/env.ts';
import { type Db, openDatabase, type Tx } from '../db/database.ts';
import { isUnavailable } from '../db/unavailable.ts';
import { type AfterCommit, type Consumers, together } from '../events/consumers.ts';
import { startReader } from '../events/reader.ts';
import { startRelay } from '../events/relay.ts';
import { type EventStream, OUTBOX_FLOOR } from '../events/stream.ts';
import { createLog } from '../runtime/log.ts';
import { every } from '../runtime/loop.ts';
import { openCarriers } from '../stores/carriers.ts';
import { takeNote, takeNotes, tellNote } from './spine.ts';

/** Where a worker can be told to die, as by `kill -9`: between every two steps from outbox to effect. */
export const DEATHS = ['numbered', 'appended', 'in effects', 'committed', 'reported'] as const;

/** Between two notes of somebody who tells without end: a pace that any machine keeps up with. */
export const PACE_MS = 8;

const schema = z.object({
  EVENTS_REDIS_URL: z.string().optional(),
  EVENTS_DATABASE_URL: z.string().optional(),
  /** Runs a relay, if given. */
  PRODUCER_URL: z.string().optional(),
  /** Also announces, without end. */
  TELL: z.stringbool().default(false),
  /** Runs a reader, if given. */
  CONSUMER_URL: z.string().optional(),
  /** Whether effects are written a batch at a time. */
  TOGETHER: z.stringbool().default(false),
  DIE_AT: z.enum(DEATHS).optional(),
  /** At which time of coming there. */
  DIE_NTH: integer(1, 10_000).default(1),
  LOG_LEVEL: z.string().default('silent'),
});

type Reach = (point: (typeof DEATHS)[number]) => void;

// A process of its own, so that a test can stop it and kill it.
if (import.meta.main) {
  const env = parseEnv(schema, process.env);
  const log = createLog('worker', env.LOG_LEVEL);
  const carriers = await openCarriers(env, 'worker', log);
  let left = env.DIE_NTH;
  const reach: Reach = (point) => {
    if (point === env.DIE_AT && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
  const common = { source: 'auth', stream: mortalStream(carriers.stream, reach), log } as const;
  if (env.PRODUCER_URL !== undefined) {
    const { db, sql } = openDatabase({ url: env.PRODUCER_URL, name: 'worker', max: 5 });
    startRelay({ ...common, url: env.PRODUCER_URL, sql });
    if (env.TELL) keepTelling(db);
  }
  if (env.CONSUMER_URL !== undefined) {
    const { db } = openDatabase({ url: env.CONSUMER_URL, name: 'worker', max: 5 });
    const consumers = mortalConsumers(env.TOGETHER, reach);
    startReader({ ...common, reader: 'reader', url: env.CONSUMER_URL, db, consumers });
  }
}

function keepTelling(db: Db): void {
  const subjects = Array.from({ length: 20 }, () => Bun.randomUUIDv7());
  let told = 0;
  const tell = (tx: Tx) => tellNote(tx, subjects[told % subjects.length] ?? '', `${process.pid}:${++told}`);
  // Where a database is away, the ledger knows what was told.
  every(
    PACE_MS,
    () => db.transaction(tell),
    (error) => {
      if (!isUnavailable(error)) throw error;
    },
  );
}

function mortalStream(stream: EventStream, reach: Reach): EventStream {
  return {
    ...stream,
    async append(name, entries) {
      reach('numbered');
      const bounds = await stream.append(name, entries);
      reach('appended');
      return bounds;
    },
    async report(name, reader, position) {
      await stream.report(name, reader, position);
      if (reader !== OUTBOX_FLOOR) reach('reported');
    },
  };
}

function mortalConsumers(atOnce: boolean, reach: Reach): Consumers {
  const live = (after: AfterCommit) => {
    reach('in effects');
    after(() => reach('committed'));
  };
  if (!atOnce) {
    return {
      async 'user.registered'(tx, event, after) {
        await takeNote(tx, event);
        live(after);
      },
    };
  }
  return {
    'user.registered': together(async (tx, events, after) => {
      await takeNotes(tx, events);
      live(after);
    }),
  };
}
