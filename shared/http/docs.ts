import { resolve } from 'node:path';
import { swaggerUI } from '@hono/swagger-ui';
import css from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' };
import bundle from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' };
import type { Router } from './router.ts';

const INIT = `window.ui = SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, persistAuthorization: true,
  displayRequestDuration: true, docExpansion: 'list', defaultModelsExpandDepth: 0, tryItOutEnabled: true,
});`;

type About = { service: string; title: string; description: string };

/** `/openapi.json` (OpenAPI 3.1) and Swagger UI at `/api/docs`, its assets served from here: no CDN. */
export function mountDocs(app: Router, about: About): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearerAuth', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token from `POST /auth/login` of the auth service.',
  });

  // Building takes tens of milliseconds, and the routes do not change: once.
  let document: string | undefined;
  app.get('/openapi.json', (c) => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: about.title,
          version: '0.1.0',
          description: about.description,
          license: { name: 'MIT' },
        },
        servers: [{ url: '/' }],
      }),
    );
    return c.body(document, 200, { 'Content-Type': 'application/json' });
  });

  // Bundled, these paths are relative to the bundle, wherever the process was started.
  const file = (path: string) => Bun.file(resolve(import.meta.dir, path));
  const assets: Record<string, { type: string; body: () => Blob | string }> = {
    'swagger-ui-bundle.js': { type: 'text/javascript', body: () => file(bundle) },
    'swagger-ui.css': { type: 'text/css', body: () => file(css) },
    'init.js': { type: 'text/javascript', body: () => INIT },
  };
  app.get(
    '/api/docs',
    async (c, next) => {
      await next();
      c.header(
        'Content-Security-Policy',
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
      );
    },
    swaggerUI({
      url: '/openapi.json',
      title: about.title,
      manuallySwaggerUIHtml: () => `<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/init.js"></script>`,
    }),
  );
  app.get('/api/docs/:asset', (c, next) => {
    const asset = assets[c.req.param('asset')];
    if (asset === undefined) return next();
    return new Response(asset.body(), {
      headers: { 'Content-Type': `${asset.type}; charset=utf-8`, 'Cache-Control': 'public, max-age=86400' },
    });
  });
}
