import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { secureHeaders } from 'hono/secure-headers';
import type { CommonEnv } from '../config/common.ts';
import type { Log } from '../runtime/log.ts';
import { clientAddress, parseRanges } from './client-address.ts';
import type { AppEnv } from './context.ts';
import { mountDocs } from './docs.ts';
import { notFound, onError } from './errors.ts';
import { type Checks, mountHealth } from './health.ts';
import { createMetrics, type Metrics, mountMetrics } from './metrics.ts';
import { Problem } from './problem.ts';
import { createRouter, type Router } from './router.ts';

const JSON_LIMIT = 1024 * 1024;

const EXPOSED = [
  'Location',
  'ETag',
  'Upload-Offset',
  'Upload-Length',
  'Upload-Defer-Length',
  'Upload-Metadata',
  'Upload-Expires',
  'Upload-Concat',
  'Upload-Complete',
  'Upload-Limit',
  'Accept-Patch',
  'Tus-Version',
  'Tus-Resumable',
  'Tus-Max-Size',
  'Tus-Extension',
  'Tus-Checksum-Algorithm',
  'Media-Id',
  'Retry-After',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Idempotency-Replayed',
  'Accept-Ranges',
  'Content-Range',
  'Content-Disposition',
  'X-Request-Id',
];

export type KernelOptions = {
  service: string;
  title: string;
  description: string;
  env: CommonEnv;
  log: Log;
  checks: Checks;
  /** True for requests whose bodies are streamed by their route, which then keeps its own limit. */
  streamsBody?: (method: string, path: string) => boolean;
  /** True for paths whose plain OPTIONS (no preflight) belongs to the route, as tus's discovery does. */
  ownsOptions?: (path: string) => boolean;
  /** What the access log shows of a path that holds a secret. */
  pathInLog?: (path: string) => string;
};

export type Kernel = { app: Router; metrics: Metrics };

/**
 * The app that every service starts from: request ids, access log, metrics, security headers, CORS, body
 * limit, problems for every error, health, `/metrics`, `/openapi.json` and `/api/docs`.
 */
export function createKernel(options: KernelOptions): Kernel {
  const { env, service } = options;
  const app = createRouter();
  const metrics = createMetrics(service);
  const trusted = parseRanges(env.TRUSTED_PROXIES);

  app.onError(onError);
  app.notFound(notFound(app));

  app.use(async (c, next) => {
    const started = performance.now();
    const given = c.req.header('X-Request-Id');
    const requestId =
      given !== undefined && /^[A-Za-z0-9_-]{8,64}$/.test(given) ? given : crypto.randomUUID();
    const traceparent = c.req.header('traceparent');
    c.set('requestId', requestId);
    c.set('log', options.log.child({ requestId }));
    c.set('traceparent', isTraceparent(traceparent) ? traceparent : undefined);
    c.set('address', clientAddress(c.env?.requestIp?.(c.req.raw), c.req.header('X-Forwarded-For'), trusted));
    await next();
    c.res.headers.set('X-Request-Id', requestId);
    const seconds = (performance.now() - started) / 1000;
    metrics.observeRequest(c, seconds);
    c.var.log.info(
      {
        method: c.req.method,
        path: options.pathInLog?.(c.req.path) ?? c.req.path,
        status: c.res.status,
        ms: Math.round(seconds * 1000),
        ...(c.var.caller === undefined ? {} : { caller: c.var.caller.userId }),
      },
      'request',
    );
  });

  app.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      // Media are made to be embedded by other origins; reading them is CORS's and the token's business.
      crossOriginResourcePolicy: 'cross-origin',
      referrerPolicy: 'no-referrer',
      xFrameOptions: 'DENY',
      // A route that sets one of them means it, as the docs page and media content do.
      overwrite: false,
    }),
  );

  const withCors = cors({
    origin: (origin) => (env.CORS_ORIGINS.includes(origin) ? origin : null),
    credentials: true,
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowHeaders: ALLOWED_HEADERS,
    exposeHeaders: EXPOSED,
    maxAge: 3600,
  });
  app.use(async (c, next) => {
    // Most requests come from no page of another origin: for them CORS has nothing to say, and it is dear.
    if (c.req.header('Origin') === undefined && c.req.method !== 'OPTIONS') {
      await next();
      c.res.headers.append('Vary', 'Origin');
      return;
    }
    // Hono's cors answers every OPTIONS; a discovery without a preflight's header is the route's own.
    const discovery =
      c.req.method === 'OPTIONS' && c.req.header('Access-Control-Request-Method') === undefined;
    if (!discovery || !options.ownsOptions?.(c.req.path)) return withCors(c, next);
    allowReading(c, env.CORS_ORIGINS);
    return next();
  });

  const limited = bodyLimit({
    maxSize: JSON_LIMIT,
    onError: () => {
      throw new Problem('body_too_large', `JSON bodies are at most ${JSON_LIMIT} bytes.`);
    },
  });
  app.use((c, next) => {
    if (options.streamsBody?.(c.req.method, c.req.path)) return next();
    const encoding = c.req.header('Content-Encoding');
    if (encoding !== undefined && encoding !== 'identity') {
      throw new Problem('unsupported_media_type', 'Compressed bodies are not accepted.');
    }
    const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(c.req.header('Content-Type') ?? '')?.[1];
    if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
      throw new Problem('unsupported_media_type', 'JSON is UTF-8.');
    }
    return limited(c, next);
  });

  mountHealth(app, service, options.checks);
  mountMetrics(app, metrics, env.METRICS_TOKEN);
  mountDocs(app, options);
  return { app, metrics };
}

/** Lets a page of an allowed origin read the answer to an OPTIONS that is no preflight. */
function allowReading(c: Context<AppEnv>, origins: readonly string[]): void {
  const origin = c.req.header('Origin');
  c.header('Vary', 'Origin', { append: true });
  if (origin === undefined || !origins.includes(origin)) return;
  c.header('Access-Control-Allow-Origin', origin);
  c.header('Access-Control-Allow-Credentials', 'true');
  c.header('Access-Control-Expose-Headers', EXPOSED.join(','));
}

const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'If-Range',
  'Range',
  'Last-Event-ID',
  'Tus-Resumable',
  'Upload-Length',
  'Upload-Defer-Length',
  'Upload-Offset',
  'Upload-Metadata',
  'Upload-Checksum',
  'Upload-Concat',
  'Upload-Complete',
  'Upload-Draft-Interop-Version',
  'Content-Disposition',
  'X-HTTP-Method-Override',
  'X-Refresh-Cookie',
  'X-Request-Id',
  'X-Requested-With',
  'traceparent',
];

/** W3C Trace Context, version 00. */
function isTraceparent(value: string | undefined): value is string {
  return value !== undefined && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value);
}

type ServerHandle = {
  requestIP(request: Request): { address: string } | null;
  timeout(request: Request, seconds: number): void;
};

/**
 * The function that `Bun.serve` calls. A request line or `Host` that makes no URL is answered here, since
 * everything behind takes the URL for granted.
 */
export function fetchOf(app: Router) {
  return (request: Request, server: ServerHandle) => {
    if (!URL.canParse(request.url)) {
      return new Response(null, { status: 400, headers: { Connection: 'close' } });
    }
    const bindings: AppEnv['Bindings'] = {
      requestIp: (r) => server.requestIP(r)?.address,
      setTimeout: (r, seconds) => server.timeout(r, seconds),
    };
    return app.fetch(request, bindings);
  };
}
