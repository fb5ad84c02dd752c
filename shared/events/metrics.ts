import { isNull } from 'drizzle-orm';
import { Gauge, type Registry } from 'prom-client';
import type { Db } from '../db/database.ts';
import { countSetAside } from './set-aside.ts';
import { outbox } from './tables.ts';

/**
 * Shows how the event spine of a service does: `events_unpublished` (outbox rows that the relay has not
 * numbered yet) and `events_set_aside` by state (`waiting`, `dead`). Looked up when `/metrics` is read; a
 * database that is away leaves them out.
 */
export function registerEventMetrics(registry: Registry, db: Db): void {
  new Gauge({
    name: 'events_unpublished',
    help: 'Events that are committed and not yet on their way.',
    registers: [registry],
    async collect() {
      this.reset();
      const count = await db.$count(outbox, isNull(outbox.seq)).catch(() => undefined);
      if (count !== undefined) this.set(count);
    },
  });
  new Gauge({
    name: 'events_set_aside',
    help: 'Events whose handler failed: waiting for the next try, or dead letters.',
    labelNames: ['state'] as const,
    registers: [registry],
    async collect() {
      this.reset();
      const counts = await countSetAside(db).catch(() => undefined);
      if (counts === undefined) return;
      this.set({ state: 'waiting' }, counts.waiting);
      this.set({ state: 'dead' }, counts.dead);
    },
  });
}
