import { parseEnv } from '@tertulia/shared/config/env';
import { createLimits } from '@tertulia/shared/limits/limits';
import { createLog } from '@tertulia/shared/runtime/log';
import { createTestClient } from '@tertulia/shared/testing/client';
import { createTestDatabase } from '@tertulia/shared/testing/postgres';
import { listenForRevocations } from '@tertulia/shared/tokens/revocation-listener';
import { setRole } from './accounts/accounts.repository.ts';
import { createApp } from './app.ts';
import { createDeps, MIGRATIONS } from './deps.ts';
import { authEnv } from './env.ts';

/** Auth on a database of its own; nothing runs in the background but what hears of revoked tokens. */
export async function createTestApp(settings: Record<string, string> = {}) {
  const database = await createTestDatabase(MIGRATIONS);
  const env = parseEnv(authEnv, {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    RATE_LIMIT_SCALE: '1000',
    // A hash of a millisecond: tests make hundreds.
    PASSWORD_MEMORY_KIB: '1024',
    PASSWORD_PASSES: '1',
    ...settings,
  });
  const log = createLog('auth', env.LOG_LEVEL);
  const limits = createLimits({ scale: env.RATE_LIMIT_SCALE });
  const deps = await createDeps(env, log, database, limits, { postgres: database.ping });
  const listener = await listenForRevocations({ database, revocations: deps.revocations, log });
  const app = createApp(deps);
  const call = createTestClient(app);
  let count = 0;

  /** Registers somebody; `admin` and moderators get their role behind the API's back. */
  async function signUp(role: 'USER' | 'MODERATOR' | 'ADMIN' = 'USER') {
    const name = `person${++count}`;
    const credentials = { email: `${name}@example.org`, password: 'correct horse battery' };
    const registered = await call('POST', '/auth/register', { body: { username: name, ...credentials } });
    if (role !== 'USER') await database.db.transaction((tx) => setRole(tx, registered.body.user.id, role));
    const { body } = role === 'USER' ? registered : await call('POST', '/auth/login', { body: credentials });
    return {
      id: body.user.id as string,
      token: body.accessToken as string,
      refreshToken: body.refreshToken as string,
      ...credentials,
    };
  }

  return {
    app,
    call,
    deps,
    env,
    database,
    signUp,
    async close() {
      await listener.stop();
      await database.drop();
    },
  };
}
