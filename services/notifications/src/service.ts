import { fetchOf } from '@tertulia/shared/http/app';
import { serve } from '@tertulia/shared/runtime/serve';
import { databaseOf, type ServiceDefinition, serveWith } from '@tertulia/shared/runtime/service';
import { createApp } from './app.ts';
import { type Deps, openDeps } from './deps.ts';
import { notificationsEnv } from './env.ts';
import { WS_PATH } from './live/sockets.ts';

export const notificationsService: ServiceDefinition<typeof notificationsEnv.shape> = {
  name: 'notifications',
  portVariable: 'NOTIFICATIONS_PORT',
  databaseVariable: 'NOTIFICATIONS_DATABASE_URL',
  env: notificationsEnv,
  productionNeeds: [
    'NOTIFICATIONS_DATABASE_URL',
    'METRICS_TOKEN',
    'SERVICE_SECRET',
    'EVENTS_REDIS_URL|EVENTS_DATABASE_URL',
  ],
  async start(env, log) {
    const url = databaseOf('NOTIFICATIONS_DATABASE_URL', env.NOTIFICATIONS_DATABASE_URL);
    const { deps, close } = await openDeps(env, url, log);
    return serveWith(close, () => listen(deps));
  },
};

/** HTTP and sockets on one port. */
export function listen(deps: Deps) {
  const { env, log, sockets } = deps;
  const answer = fetchOf(createApp(deps));
  return serve({
    fetch: (request, server) =>
      URL.canParse(request.url) && new URL(request.url).pathname === WS_PATH && request.method === 'GET'
        ? sockets.upgrade(request, server)
        : answer(request, server),
    websocket: sockets.websocket,
    hostname: env.HOST,
    port: env.NOTIFICATIONS_PORT,
    drainSeconds: env.SHUTDOWN_SECONDS,
    log,
    onDrain: sockets.shutdown,
  });
}
