import { registerEventMetrics } from '@tertulia/shared/events/metrics';
import { createKernel } from '@tertulia/shared/http/app';
import { accountEndRoutes } from './account-end/account-end.routes.ts';
import { exportRoutes } from './account-end/export.routes.ts';
import { accountsRoutes } from './accounts/accounts.routes.ts';
import { rolesRoutes } from './accounts/roles.routes.ts';
import { auditRoutes } from './audit/audit.routes.ts';
import type { Deps } from './deps.ts';
import { emailRoutes } from './email/email.routes.ts';
import { discoveryRoutes } from './keys/discovery.routes.ts';
import { keysRoutes } from './keys/keys.routes.ts';
import { registerMailMetrics } from './mail/mail-metrics.ts';
import { mfaRoutes } from './mfa/mfa.routes.ts';
import { mfaLoginRoutes } from './mfa/mfa-login.routes.ts';
import { passkeyLoginRoutes } from './mfa/passkey-login.routes.ts';
import { passkeysRoutes } from './mfa/passkeys.routes.ts';
import { resetFactorsRoutes } from './mfa/reset-factors.routes.ts';
import { passwordsRoutes } from './passwords/passwords.routes.ts';
import { revocationRoutes } from './revocation/revocation.routes.ts';
import { loginRoutes } from './sessions/login.routes.ts';
import { refreshRoutes } from './sessions/refresh.routes.ts';
import { refuseForeignOrigins } from './sessions/refresh-cookie.ts';
import { registerRoutes } from './sessions/register.routes.ts';
import { sessionsRoutes } from './sessions/sessions.routes.ts';
import { suspensionsRoutes } from './suspensions/suspensions.routes.ts';

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
  registerMailMetrics(metrics, deps.db, deps.mailCounts);
  app.use(refuseForeignOrigins(deps.env.CORS_ORIGINS));
  app.route('/', keysRoutes(deps));
  app.route('/', discoveryRoutes(deps));
  app.route('/', registerRoutes(deps));
  app.route('/', loginRoutes(deps));
  app.route('/', passwordsRoutes(deps));
  app.route('/', emailRoutes(deps));
  app.route('/', mfaLoginRoutes(deps));
  app.route('/', passkeyLoginRoutes(deps));
  app.route('/', mfaRoutes(deps));
  app.route('/', passkeysRoutes(deps));
  app.route('/', resetFactorsRoutes(deps));
  app.route('/', refreshRoutes(deps));
  app.route('/', sessionsRoutes(deps));
  app.route('/', revocationRoutes(deps));
  app.route('/', accountsRoutes(deps));
  app.route('/', rolesRoutes(deps));
  app.route('/', suspensionsRoutes(deps));
  app.route('/', accountEndRoutes(deps));
  app.route('/', exportRoutes(deps));
  app.route('/', auditRoutes(deps));
  return app;
}
