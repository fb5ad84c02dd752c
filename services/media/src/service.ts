import { fetchOf } from '@tertulia/shared/http/app';
import { serve } from '@tertulia/shared/runtime/serve';
import { databaseOf, type ServiceDefinition, serveWith } from '@tertulia/shared/runtime/service';
import { createApp } from './app.ts';
import { openDeps } from './deps.ts';
import { mediaEnv } from './env.ts';

export const mediaService: ServiceDefinition<typeof mediaEnv.shape> = {
  name: 'media',
  portVariable: 'MEDIA_PORT',
  databaseVariable: 'MEDIA_DATABASE_URL',
  env: mediaEnv,
  productionNeeds: [
    'MEDIA_DATABASE_URL',
    'METRICS_TOKEN',
    'SERVICE_SECRET',
    'EVENTS_REDIS_URL|EVENTS_DATABASE_URL',
  ],
  async start(env, log) {
    const { deps, close } = await openDeps(
      env,
      databaseOf('MEDIA_DATABASE_URL', env.MEDIA_DATABASE_URL),
      log,
    );
    return serveWith(close, () =>
      serve({
        fetch: fetchOf(createApp(deps)),
        hostname: env.HOST,
        port: env.MEDIA_PORT,
        drainSeconds: env.SHUTDOWN_SECONDS,
        log,
        // Uploads take longer than a drain: what came is stored and answered, and the client goes on elsewhere.
        onDrain: () => deps.locks.shutDown(),
      }),
    );
  },
};
