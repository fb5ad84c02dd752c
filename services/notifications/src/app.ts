import { deadLettersRoutes } from '@tertulia/shared/events/dead-letters.routes';
import { registerEventMetrics } from '@tertulia/shared/events/metrics';
import { createKernel } from '@tertulia/shared/http/app';
import type { Deps } from './deps.ts';
import { inboxRoutes } from './inbox/inbox.routes.ts';

export function createApp(deps: Deps) {
  const { app, metrics } = createKernel({
    service: 'notifications',
    title: 'Tertulia notifications',
    description: [
      'The inbox, and the WebSocket at `/notifications/ws`.',
      "The socket speaks Centrifugo's client protocol (version 2, JSON): connect with a published SDK and an access token.",
    ].join(' '),
    env: deps.env,
    log: deps.log,
    checks: deps.checks,
  });
  deps.sockets.register(metrics.registry);
  registerEventMetrics(metrics.registry, deps.db);
  deps.feed?.register(metrics.registry);
  app.route('/', inboxRoutes(deps));
  app.route('/', deadLettersRoutes(deps));
  return app;
}
