import { fetchOf } from '@tertulia/shared/http/app';
import { serve } from '@tertulia/shared/runtime/serve';
import type { ServiceDefinition } from '@tertulia/shared/runtime/service';
import { createApp } from './app.ts';
import { openBundle } from './bundle.ts';
import { webEnv } from './env.ts';

export const webService: ServiceDefinition<typeof webEnv.shape> = {
  name: 'web',
  portVariable: 'WEB_PORT',
  env: webEnv,
  productionNeeds: ['METRICS_TOKEN'],
  async start(env, log) {
    const bundles = await openBundle(env.NODE_ENV);
    return serve({
      fetch: fetchOf(createApp({ env, log, bundles })),
      hostname: env.HOST,
      port: env.WEB_PORT,
      drainSeconds: env.SHUTDOWN_SECONDS,
      log,
    });
  },
};
