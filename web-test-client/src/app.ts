import { createKernel } from '@tertulia/shared/http/app';
import type { Log } from '@tertulia/shared/runtime/log';
import { addressesOf, policyOf } from './addresses.ts';
import type { Bundle } from './bundle.ts';
import type { WebEnv } from './env.ts';
import { PATHS } from './page/paths.ts';

const YEAR = 31_536_000;

type Deps = { env: WebEnv; log: Log; bundle: Bundle };

export function createApp({ env, log, bundle }: Deps) {
  const { app } = createKernel({
    service: 'web',
    title: 'Tertulia web test client',
    description: 'Serves one page and its assets. What that page does, it does by the services’ public APIs.',
    env,
    log,
    checks: {},
  });

  for (const path of Object.values(PATHS)) {
    app.get(path, (c) =>
      c.body(bundle.page.body.stream(), 200, {
        'Content-Type': bundle.page.type,
        'Content-Security-Policy': policyOf(addressesOf(env, c.req.url)),
        'Cache-Control': 'no-cache',
      }),
    );
  }

  app.get('/config.json', (c) => {
    c.header('Cache-Control', 'no-store');
    return c.json(addressesOf(env, c.req.url));
  });

  for (const [name, { body, type }] of bundle.assets) {
    app.get(`/${name}`, (c) =>
      // The name changes with the content.
      c.body(body.stream(), 200, {
        'Content-Type': type,
        'Cache-Control': `public, max-age=${YEAR}, immutable`,
      }),
    );
  }

  return app;
}
