import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import type { Tx } from '../db/database.ts';
import { EVENTS, type EventData, type EventType } from './catalog.ts';
import type { Envelope } from './envelope.ts';
import { outbox } from './tables.ts';

/** Postgres channel that wakes the relay. */
export const OUTBOX_CHANNEL = 'outbox';

export type Announcement<Type extends EventType = EventType> = {
  type: Type;
  /** Who did it; null for the system. */
  actorId: string | null;
  data: EventData<Type>;
  traceparent?: string | undefined;
};

/**
 * Tells the other services what this transaction does: the events are committed with it or not at all, and
 * reach every reader at least once, in order per subject. The only way an event is published.
 *
 * Holds a lock per subject until the transaction ends, so that the order of ids is the order of commits.
 * Announce several events in one call where subjects differ: locks are then taken in one order.
 */
export async function announce<Type extends EventType>(
  tx: Tx,
  ...events: Announcement<Type>[]
): Promise<void> {
  const envelopes = events.map(toEnvelope);
  const subjects = [...new Set(envelopes.map(({ subject }) => subject))].sort();
  const column = (of: (envelope: Envelope) => string) => sql.param(envelopes.map(of));
  // One statement, one wait: rows get their ids once every lock has been counted.
  const written = tx.$with('written', {}).as(sql`
    insert into ${outbox} (event_id, subject, envelope)
    with locked as materialized (
      select pg_advisory_xact_lock(hashtextextended(subject, 0)) from unnest(${sql.param(subjects)}::text[]) as subject
    )
    select event.* from (select count(*) from locked) as held, unnest(
      ${column(({ id }) => id)}::uuid[],
      ${column(({ subject }) => subject)}::text[],
      ${column((envelope) => JSON.stringify(envelope))}::text[]) as event
    returning 1`);
  // Prepared, as every write of every service comes by here: it goes out with its neighbours, in one trip.
  await tx
    .with(written)
    .select({ told: sql`pg_notify(${OUTBOX_CHANNEL}, '')` })
    .from(sql`(select count(*) from ${written}) as done`)
    .prepare('announce')
    .execute();
}

function toEnvelope<Type extends EventType>({
  type,
  actorId,
  data,
  traceparent,
}: Announcement<Type>): Envelope {
  const definition: { version: number; source: string; data: z.ZodType; subject(data: never): string } =
    EVENTS[type];
  return {
    id: Bun.randomUUIDv7(),
    type,
    version: definition.version,
    source: definition.source,
    // Parsing drops what the catalog does not name.
    data: definition.data.parse(data),
    subject: definition.subject(data as never),
    actorId,
    occurredAt: new Date().toISOString(),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}
