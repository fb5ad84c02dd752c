import { parseEnv } from '@tertulia/shared/config/env';
import type { Tx } from '@tertulia/shared/db/database';
import type { LiveBus } from '@tertulia/shared/live/bus';
import { postgresBus } from '@tertulia/shared/live/postgres-bus';
import { createLog } from '@tertulia/shared/runtime/log';
import { createTestClient } from '@tertulia/shared/testing/client';
import { createTestDatabase, type TestDatabase } from '@tertulia/shared/testing/postgres';
import { createTestTokens, type TestTokens } from '@tertulia/shared/testing/tokens';
import { createApp } from './app.ts';
import { createConsumers } from './consumers.ts';
import { createDeps, MIGRATIONS } from './deps.ts';
import { notificationsEnv } from './env.ts';
import { type Notice, notify } from './inbox/inbox.service.ts';
import { listen } from './service.ts';
import { userChannel } from './streams/streams.repository.ts';
import type { NotificationType } from './texts/texts.ts';

type Options = {
  settings?: Record<string, string>;
  share?: { database: TestDatabase; tokens: TestTokens };
  bus?: LiveBus;
};

/** Notifications on a database of its own, or as one more node on another's; no reader runs. */
export async function createTestApp({ settings = {}, share, bus: given }: Options = {}) {
  const database = share?.database ?? (await createTestDatabase(MIGRATIONS));
  const tokens = share?.tokens ?? (await createTestTokens());
  const env = parseEnv(notificationsEnv, {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    HOST: '127.0.0.1',
    NOTIFICATIONS_PORT: '0',
    ...settings,
  });
  const log = createLog('notifications', env.LOG_LEVEL);
  const bus = given ?? (await postgresBus(database.sql));
  const deps = await createDeps({
    env,
    log,
    database,
    bus,
    verifier: tokens.verifier,
    checks: { postgres: database.ping },
  });

  return {
    call: createTestClient(createApp(deps)),
    deps,
    bus,
    database,
    tokens,
    consumers: createConsumers(deps.hub.publish),
    listen: () => listen(deps),
    /** Notifies somebody, as a consumer does. */
    async tell(userId: string, mediaTitle = 'A film') {
      const notice: Notice<NotificationType> = {
        userId,
        type: 'upload_completed',
        parameters: { mediaTitle },
        data: { mediaId: Bun.randomUUIDv7() },
      };
      const entry = await database.db.transaction((tx: Tx) => notify(tx, notice));
      deps.hub.publish(userChannel(userId), entry);
      return entry;
    },
    async close() {
      await deps.hub.close();
      await bus.close();
      if (share === undefined) await database.drop();
    },
  };
}

export type TestApp = Awaited<ReturnType<typeof createTestApp>>;
