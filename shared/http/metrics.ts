import { timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { routePath } from 'hono/route';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AppEnv } from './context.ts';
import { Problem } from './problem.ts';
import type { Router } from './router.ts';

export type Metrics = {
  registry: Registry;
  observeRequest(c: Context<AppEnv>, seconds: number): void;
};

/** A registry of its own per service, so that several services can share one process. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from request to response headers.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.025, 0.1, 0.5, 2, 10],
    registers: [registry],
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    registers: [registry],
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the process.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  return {
    registry,
    observeRequest(c, seconds) {
      // The pattern, not the path: label values must be few.
      const matched = routePath(c, -1);
      requests.observe(
        { method: c.req.method, route: matched === '/*' ? 'none' : matched, status: String(c.res.status) },
        seconds,
      );
    },
  };
}

type Description = { name: string; help: string };

/** A counter that is kept elsewhere, by label value: `read` is asked when `/metrics` is. */
export function exposeCounts(
  registry: Registry,
  { label, ...description }: Description & { label: string },
  read: () => Record<string, number>,
): void {
  new Counter({
    ...description,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [value, count] of Object.entries(read())) this.inc({ [label]: value }, count);
    },
  });
}

/** A figure that is looked up when `/metrics` is read; left out while it cannot be. */
export function exposeGauge(registry: Registry, description: Description, read: () => Promise<number>): void {
  new Gauge({
    ...description,
    registers: [registry],
    async collect() {
      this.reset();
      const value = await read().catch(() => undefined);
      if (value !== undefined) this.set(value);
    },
  });
}

/** `GET /metrics` in Prometheus text; with a token set it wants that bearer. */
export function mountMetrics(app: Router, metrics: Metrics, token: string | undefined): void {
  app.get('/metrics', async (c) => {
    if (token !== undefined && !same(c.req.header('Authorization') ?? '', `Bearer ${token}`)) {
      throw new Problem('unauthenticated', 'Metrics want their own bearer token.');
    }
    return c.body(await metrics.registry.metrics(), 200, {
      'Content-Type': metrics.registry.contentType,
      'Cache-Control': 'no-store',
    });
  });
}

function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
