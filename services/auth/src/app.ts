import { registerEventMetrics } from '@tertulia/shared/events/metrics';
import { createKernel } from '@tertulia/shared/http/app';
import { accountsRoutes } from './accounts/accounts.routes.ts';
import { auditRoutes } from './audit/audit.routes.ts';
import type { Deps } from './deps.ts';
import { discoveryRoutes } from './keys/discovery.routes.ts';
import { keysRoutes } from './keys/keys.routes.ts';
import { loginRoutes } from './sessions/login.routes.ts';
import { registerRoutes } from './sessions/register.routes.ts';
import { sessionsRoutes } from './sessions/sessions.routes.ts';

export function createApp(deps: Deps) {
  const { app, metrics } = createKernel({
    service: 'auth',
    title: 'Tertulia auth',
    description: 'Accounts, sessions and roles. Other services verify its access tokens by its public keys.',
    env: deps.env,
    log: deps.log,
    checks: deps.checks,
  });
  registerEventMetrics(metrics.registry, deps.db);
  app.route('/', keysRoutes(deps));
  app.route('/', discoveryRoutes(deps));
  app.route('/', registerRoutes(deps));
  app.route('/', loginRoutes(deps));
  app.route('/', sessionsRoutes(deps));
  app.route('/', accountsRoutes(deps));
  app.route('/', auditRoutes(deps));
  return app;
}
