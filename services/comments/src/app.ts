import { deadLettersRoutes } from '@tertulia/shared/events/dead-letters.routes';
import { registerEventMetrics } from '@tertulia/shared/events/metrics';
import { createKernel } from '@tertulia/shared/http/app';
import { commentsRoutes } from './comments/comments.routes.ts';
import type { Deps } from './deps.ts';
import { threadsRoutes } from './threads/threads.routes.ts';

export function createApp(deps: Deps) {
  const { app, metrics } = createKernel({
    service: 'comments',
    title: 'Tertulia comments',
    description: 'What people say about media: threads of any depth, in pages that cost the same everywhere.',
    env: deps.env,
    log: deps.log,
    checks: deps.checks,
  });
  registerEventMetrics(metrics.registry, deps.db);
  deps.feed?.register(metrics.registry);
  app.route('/', threadsRoutes(deps));
  app.route('/', commentsRoutes(deps));
  app.route('/', deadLettersRoutes(deps));
  return app;
}
