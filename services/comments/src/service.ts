import { fetchOf } from '@tertulia/shared/http/app';
import { serve } from '@tertulia/shared/runtime/serve';
import { databaseOf, type ServiceDefinition, serveWith } from '@tertulia/shared/runtime/service';
import { createApp } from './app.ts';
import { openDeps } from './deps.ts';
import { commentsEnv } from './env.ts';

export const commentsService: ServiceDefinition<typeof commentsEnv.shape> = {
  name: 'comments',
  portVariable: 'COMMENTS_PORT',
  databaseVariable: 'COMMENTS_DATABASE_URL',
  env: commentsEnv,
  productionNeeds: [
    'COMMENTS_DATABASE_URL',
    'METRICS_TOKEN',
    'SERVICE_SECRET',
    'EVENTS_REDIS_URL|EVENTS_DATABASE_URL',
  ],
  async start(env, log) {
    const url = databaseOf('COMMENTS_DATABASE_URL', env.COMMENTS_DATABASE_URL);
    const { deps, close } = await openDeps(env, url, log);
    return serveWith(close, () =>
      serve({
        fetch: fetchOf(createApp(deps)),
        hostname: env.HOST,
        port: env.COMMENTS_PORT,
        drainSeconds: env.SHUTDOWN_SECONDS,
        log,
      }),
    );
  },
};
