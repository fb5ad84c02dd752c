import type { Database } from '../db/database.ts';
import type { LiveBus } from '../live/bus.ts';
import type { Log } from '../runtime/log.ts';
import { type RevocationFeed, startRevocationFeed } from './revocation-feed.ts';
import { listenForRevocations } from './revocation-listener.ts';
import { saveRevocations } from './revocation-store.ts';
import { createRevocations, type Revocations } from './revocations.ts';
import { createServiceClient } from './service-client.ts';
import { type CallingService, serviceSecretOf } from './service-secret.ts';

type Options = {
  service: CallingService;
  env: { AUTH_URL: string; SERVICE_SECRET?: string | undefined };
  database: Pick<Database, 'db' | 'sql'>;
  bus: LiveBus;
  log: Log;
};

export type FollowedRevocations = {
  revocations: Revocations;
  feed: RevocationFeed;
  close(): Promise<void>;
};

/**
 * What every service but auth needs to refuse revoked tokens: the memory, loaded from its table, and what keeps
 * it up to date. Rows come into the table by `revocationConsumers`, from a reader of auth's events.
 */
export async function followRevocations(options: Options): Promise<FollowedRevocations> {
  const { service, env, database, bus, log } = options;
  const revocations = createRevocations();
  const listener = await listenForRevocations({ database, revocations, log });
  const client = createServiceClient({ authUrl: env.AUTH_URL, service, secret: serviceSecretOf(env) });
  const feed = startRevocationFeed({
    bus,
    ask: client.revocationsSince,
    revocations,
    save: (rows) => saveRevocations(database.db, rows),
    log,
  });
  return {
    revocations,
    feed,
    async close() {
      await Promise.all([feed.stop(), listener.stop()]);
    },
  };
}
