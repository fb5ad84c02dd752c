import { createRoute, z } from '@hono/zod-openapi';
import { open } from './access.ts';
import { json, type Router } from './router.ts';

/** Dependency name → a probe that rejects while it is down. */
export type Checks = Record<string, () => Promise<unknown>>;

const PROBE_MS = 2000;

const healthSchema = z
  .object({
    status: z.enum(['ok', 'down']),
    service: z.string(),
    dependencies: z.record(z.string(), z.object({ status: z.enum(['ok', 'down']), latencyMs: z.number() })),
  })
  .openapi('Health');

/** `/health/live` says that the process is up; `/health/ready` and `/health` ask every dependency. */
export function mountHealth(app: Router, service: string, checks: Checks): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/health/live',
      tags: ['Operations'],
      summary: 'Is the process up?',
      ...open,
      responses: { 200: json(z.object({ status: z.literal('ok') }), 'It is.') },
    }),
    (c) => c.json({ status: 'ok' as const }, 200),
  );

  for (const path of ['/health', '/health/ready'] as const) {
    app.openapi(
      createRoute({
        method: 'get',
        path,
        tags: ['Operations'],
        summary: 'Can it serve? Every dependency with its state and latency.',
        ...open,
        responses: {
          200: json(healthSchema, 'Every dependency is up.'),
          503: json(healthSchema, 'At least one dependency is down.'),
        },
      }),
      async (c) => {
        const probed = await Promise.all(Object.entries(checks).map(probe));
        const up = probed.every(([, { status }]) => status === 'ok');
        c.header('Cache-Control', 'no-store');
        if (!up) c.header('Retry-After', '2');
        const body = { service, dependencies: Object.fromEntries(probed) };
        return up
          ? c.json({ status: 'ok' as const, ...body }, 200)
          : c.json({ status: 'down' as const, ...body }, 503);
      },
    );
  }
}

async function probe([name, check]: [string, () => Promise<unknown>]) {
  const started = performance.now();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('probe timed out')), PROBE_MS);
  const status = await Promise.race([check(), late])
    .then(() => 'ok' as const)
    .catch(() => 'down' as const)
    .finally(() => clearTimeout(timer));
  return [name, { status, latencyMs: Math.round((performance.now() - started) * 10) / 10 }] as const;
}
