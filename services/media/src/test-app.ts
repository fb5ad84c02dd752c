import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from '@tertulia/shared/config/env';
import { outbox } from '@tertulia/shared/events/tables';
import { createLog } from '@tertulia/shared/runtime/log';
import { createTestClient } from '@tertulia/shared/testing/client';
import { createTestDatabase } from '@tertulia/shared/testing/postgres';
import { createTestTokens } from '@tertulia/shared/testing/tokens';
import { asc } from 'drizzle-orm';
import { createApp } from './app.ts';
import { createDeps, MIGRATIONS } from './deps.ts';
import { mediaEnv } from './env.ts';

export type TestApp = Awaited<ReturnType<typeof createTestApp>>;

/** Media on a database and a folder of its own; nothing runs in the background. */
export async function createTestApp(settings: Record<string, string> = {}) {
  const [database, tokens, folder] = await Promise.all([
    createTestDatabase(MIGRATIONS),
    createTestTokens(),
    mkdtemp(join(tmpdir(), 'tertulia-media-')),
  ]);
  const env = parseEnv(mediaEnv, {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    RATE_LIMIT_SCALE: '1000',
    DATA_DIR: folder,
    ...settings,
  });
  const log = createLog('media', env.LOG_LEVEL);
  const deps = await createDeps(env, log, database, tokens.verifier, { postgres: database.ping });
  const app = createApp(deps);

  /** What was announced, in order. */
  async function events() {
    const rows = await database.db.select().from(outbox).orderBy(asc(outbox.id));
    return rows.map(({ envelope }) => JSON.parse(envelope));
  }

  /** Every file that is kept, whatever its kind. */
  async function files(): Promise<string[]> {
    return Array.fromAsync(new Bun.Glob('media/**').scan({ cwd: folder, onlyFiles: true }));
  }

  return {
    app,
    call: createTestClient(app),
    deps,
    env,
    folder,
    database,
    tokens,
    user: tokens.user,
    events,
    files,
    async close() {
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
