import { fetchOf } from '@tertulia/shared/http/app';
import { serve } from '@tertulia/shared/runtime/serve';
import { databaseOf, type ServiceDefinition, serveWith } from '@tertulia/shared/runtime/service';
import { ensureFirstAdmin } from './accounts/first-admin.ts';
import { createApp } from './app.ts';
import { openDeps } from './deps.ts';
import { authEnv } from './env.ts';

export const authService: ServiceDefinition<typeof authEnv.shape> = {
  name: 'auth',
  portVariable: 'AUTH_PORT',
  databaseVariable: 'AUTH_DATABASE_URL',
  env: authEnv,
  productionNeeds: [
    'AUTH_DATABASE_URL',
    'AUTH_SECRET',
    'METRICS_TOKEN',
    'SERVICE_SECRET',
    'EVENTS_REDIS_URL|EVENTS_DATABASE_URL',
  ],
  async start(env, log) {
    const { deps, close } = await openDeps(env, databaseOf('AUTH_DATABASE_URL', env.AUTH_DATABASE_URL), log);
    return serveWith(close, async () => {
      const running = serve({
        fetch: fetchOf(createApp(deps)),
        hostname: env.HOST,
        port: env.AUTH_PORT,
        drainSeconds: env.SHUTDOWN_SECONDS,
        log,
      });
      const admin = await ensureFirstAdmin(deps.db, deps.passwords, env);
      const greeting = admin === undefined ? '' : `first administrator: ${admin.email} / ${admin.password}`;
      return { ...running, greeting };
    });
  },
};
