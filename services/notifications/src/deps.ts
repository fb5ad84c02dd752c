import { join } from 'node:path';
import { type Database, type Db, openDatabase } from '@tertulia/shared/db/database';
import { migrate } from '@tertulia/shared/db/migrate';
import { startDepartures } from '@tertulia/shared/departures/departures';
import { SOURCES } from '@tertulia/shared/events/catalog';
import { startReader } from '@tertulia/shared/events/reader';
import type { Checks } from '@tertulia/shared/http/health';
import { Problem } from '@tertulia/shared/http/problem';
import type { LiveBus } from '@tertulia/shared/live/bus';
import type { Log } from '@tertulia/shared/runtime/log';
import { every } from '@tertulia/shared/runtime/loop';
import { openCarriers } from '@tertulia/shared/stores/carriers';
import { type FollowedRevocations, followRevocations } from '@tertulia/shared/tokens/follow-revocations';
import { createGuards, type Guards } from '@tertulia/shared/tokens/guard';
import { keyStore } from '@tertulia/shared/tokens/key-store';
import { remoteKeys } from '@tertulia/shared/tokens/keys';
import { createTokenVerifier, type TokenVerifier } from '@tertulia/shared/tokens/verify';
import { createConsumers } from './consumers.ts';
import { createForget } from './departures/departures.ts';
import type { NotificationsEnv } from './env.ts';
import { selectionSchema } from './inbox/inbox.schema.ts';
import { read } from './inbox/inbox.service.ts';
import { createHub, type Hub } from './live/hub.ts';
import { createSockets, type Sockets } from './live/sockets.ts';
import { epochOf, sweepEntries, unreadOf, userChannel } from './streams/streams.repository.ts';

export const MIGRATIONS = join(import.meta.dir, '..', 'drizzle');

const SWEEP_MS = 3_600_000;

export type Deps = {
  env: NotificationsEnv;
  log: Log;
  db: Db;
  guards: Guards;
  hub: Hub;
  sockets: Sockets;
  checks: Checks;
  /** Keeps revocations up to date, where something runs in the background. */
  feed?: FollowedRevocations['feed'];
};

type Parts = {
  env: NotificationsEnv;
  log: Log;
  database: Database;
  bus: LiveBus;
  verifier: TokenVerifier;
  checks: Checks;
};

/** What a {@link Deps} is made of, without what runs in the background: tests open the same. */
export async function createDeps({ env, log, database, bus, verifier, checks }: Parts): Promise<Deps> {
  const { db } = database;
  const sockets = createSockets({
    verifier,
    log,
    hub: () => hub,
    origins: env.CORS_ORIGINS,
    perUser: env.CONNECTIONS_PER_USER,
    pingSeconds: env.PING_SECONDS,
    unreadOf: (userId) => unreadOf(db, userChannel(userId)),
    rpc: {
      async read(userId, data) {
        const selection = selectionSchema.safeParse(data);
        if (!selection.success) throw new Problem('invalid_fields');
        return read(db, hub.publish, userId, selection.data);
      },
      unread: async (userId) => ({ unread: await unreadOf(db, userChannel(userId)) }),
    },
  });
  const hub = createHub({ db, bus, log, epoch: await epochOf(db), outlet: sockets.outlet });
  return { env, log, db, guards: createGuards(verifier), hub, sockets, checks };
}

/** Opens every resource of a running service; `close` takes them down in order. */
export async function openDeps(env: NotificationsEnv, url: string, log: Log) {
  await migrate(url, MIGRATIONS);
  const database = openDatabase({ url, name: 'notifications', max: env.DB_POOL_MAX });
  const carriers = await openCarriers(env, 'notifications', log);
  const { bus } = carriers;
  const followed = await followRevocations({ service: 'notifications', env, database, bus, log });
  const verifier = createTokenVerifier({
    keys: remoteKeys(env.AUTH_URL, log, keyStore(database.db)),
    issuer: env.TOKEN_ISSUER,
    audience: env.TOKEN_AUDIENCE,
    revocations: followed.revocations,
  });
  const deps = await createDeps({
    env,
    log,
    database,
    bus,
    verifier,
    checks: { postgres: database.ping, events: () => carriers.stream.ping() },
  });
  const consumers = createConsumers(deps.hub.publish);
  const readers = SOURCES.map((source) =>
    startReader({
      source,
      reader: 'notifications',
      url,
      db: database.db,
      stream: carriers.stream,
      consumers,
      log,
    }),
  );
  const forget = createForget(database.db);
  const departures = startDepartures({ db: database.db, url, service: 'notifications', forget, log });
  const sweeper = every(
    SWEEP_MS,
    () => sweepEntries(database.db),
    (err) => log.warn({ err }, 'stream entries not swept'),
  );
  return {
    deps: { ...deps, feed: followed.feed },
    async close() {
      await Promise.all([
        followed.close(),
        ...readers.map((reader) => reader.stop()),
        sweeper.stop(),
        departures.stop(),
        deps.hub.close(),
      ]);
      await carriers.close();
      await database.close();
    },
  };
}
