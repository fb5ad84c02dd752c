import { createKernel } from '@tertulia/shared/http/app';
import type { Log } from '@tertulia/shared/runtime/log';
import { addressesOf, policyOf } from './addresses.ts';
import type { Bundles } from './bundle.ts';
import type { WebEnv } from './env.ts';
import { PATHS } from './page/paths.ts';

const YEAR = 31_536_000;

/** Names of what the page loads carry a hash. */
const ASSET = '/:name{[^/]+-[a-z0-9]+\\.[a-z.]+}';

type Deps = { env: WebEnv; log: Log; bundles: Bundles };

export function createApp({ env, log, bundles }: Deps) {
  const { app } = createKernel({
    service: 'web',
    title: 'Tertulia web test client',
    description: 'Serves one page and its assets. What that page does, it does by the services’ public APIs.',
    env,
    log,
    checks: {},
  });

  for (const path of Object.values(PATHS)) {
    app.get(path, async (c) => {
      const { page } = await bundles();
      return c.body(page.body.stream(), 200, {
        'Content-Type': page.type,
        'Content-Security-Policy': policyOf(addressesOf(env, c.req.url)),
        'Cache-Control': 'no-cache',
      });
    });
  }

  app.get('/config.json', (c) => {
    c.header('Cache-Control', 'no-store');
    return c.json(addressesOf(env, c.req.url));
  });

  app.get(ASSET, async (c, next) => {
    const asset = (await bundles()).assets.get(c.req.path.slice(1));
    if (asset === undefined) return next();
    return c.body(asset.body.stream(), 200, {
      'Content-Type': asset.type,
      // The name changes with the content.
      'Cache-Control': `public, max-age=${YEAR}, immutable`,
    });
  });

  return app;
}
