import { deadLettersRoutes } from '@tertulia/shared/events/dead-letters.routes';
import { registerEventMetrics } from '@tertulia/shared/events/metrics';
import { createKernel } from '@tertulia/shared/http/app';
import { albumsRoutes } from './albums/albums.routes.ts';
import { contentRoutes } from './content/content.routes.ts';
import type { Deps } from './deps.ts';
import { importsRoutes } from './imports/imports.routes.ts';
import { likesRoutes } from './likes/likes.routes.ts';
import { formRoutes } from './media/form.routes.ts';
import { mediaRoutes } from './media/media.routes.ts';
import { moderationRoutes } from './moderation/moderation.routes.ts';
import { renditionsRoutes } from './renditions/renditions.routes.ts';
import { reportsRoutes } from './reports/reports.routes.ts';
import { maskToken } from './signing/mask-token.ts';
import { signedRoutes } from './signing/signed.routes.ts';
import { signingRoutes } from './signing/signing.routes.ts';
import { trashRoutes } from './trash/trash.routes.ts';
import { isUploadPath, UPLOADS } from './uploads/tus.ts';
import { uploadsRoutes } from './uploads/uploads.routes.ts';
import { usageRoutes } from './usage/usage.routes.ts';

export function createApp(deps: Deps) {
  const { app, metrics } = createKernel({
    service: 'media',
    title: 'Tertulia media',
    description:
      'Uploads by tus 1.0.0 or form, the list of media, and their bytes. What a file is, its own bytes tell.',
    env: deps.env,
    log: deps.log,
    checks: deps.checks,
    streamsBody: (method, path) =>
      (method === 'POST' && (path === '/media' || path === UPLOADS)) || isUploadPath(path),
    pathInLog: maskToken,
    ownsOptions: (path) => path === UPLOADS || isUploadPath(path),
  });
  registerEventMetrics(metrics.registry, deps.db);
  deps.feed?.register(metrics.registry);
  app.route('/', uploadsRoutes(deps));
  app.route('/', formRoutes(deps));
  app.route('/', importsRoutes(deps));
  // Before what takes any `/media/{id}`.
  app.route('/', usageRoutes(deps));
  app.route('/', trashRoutes(deps));
  app.route('/', reportsRoutes(deps));
  app.route('/', moderationRoutes(deps));
  app.route('/', mediaRoutes(deps));
  app.route('/', likesRoutes(deps));
  app.route('/', albumsRoutes(deps));
  app.route('/', contentRoutes(deps));
  app.route('/', renditionsRoutes(deps));
  app.route('/', signingRoutes(deps));
  app.route('/', signedRoutes(deps));
  app.route('/', deadLettersRoutes(deps));
  return app;
}
