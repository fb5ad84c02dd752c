import { sql } from 'drizzle-orm';
import type { Tx } from '../db/database.ts';
import { announce } from '../events/announce.ts';
import type { EventOf } from '../events/catalog.ts';
import type { Consumers } from '../events/consumers.ts';
import { effects } from './schema.ts';

/** Migrations of the databases that the spine's tests and benchmarks run on. */
export const SPINE_MIGRATIONS = `${import.meta.dir}/drizzle`;

type Registered = EventOf<'user.registered'>;

/** Announces something about a subject: `note` comes back in the effect. */
export function announceNote(tx: Tx, userId: string, note: string): Promise<void> {
  const data = { userId, username: note, displayName: null, locale: 'en', role: 'USER' as const };
  return announce(tx, { type: 'user.registered', actorId: userId, data });
}

/** Announces a note and writes it into the producer's own `effects`: the ledger of what was committed. */
export async function tellNote(tx: Tx, userId: string, note: string): Promise<void> {
  await announceNote(tx, userId, note);
  // Under the subject's lock by now: places are in the order of commits.
  await tx.insert(effects).values({ eventId: Bun.randomUUIDv7(), subject: `user:${userId}`, note });
}

/** Writes down what it was told. */
export async function takeNote(tx: Tx, event: Registered): Promise<void> {
  const { id, subject, data } = event;
  // Prepared statements are pipelined; others wait for two round trips each.
  await tx
    .insert(effects)
    .values({ eventId: id, subject, note: data.username })
    .prepare('take_note')
    .execute();
}

/** The same for many, in one statement whose text does not depend on how many. */
export async function takeNotes(tx: Tx, events: readonly Registered[]): Promise<void> {
  const column = (of: (event: Registered) => string) => sql.param(events.map(of));
  await tx.execute(sql`
    insert into effects (event_id, subject, note)
    select * from unnest(
      ${column(({ id }) => id)}::uuid[],
      ${column(({ subject }) => subject)}::text[],
      ${column(({ data }) => data.username)}::text[])`);
}

/** Takes notes one by one, and fails on what `poison` says. */
export function noteTaker(poison: (event: Registered) => boolean = () => false): Consumers {
  return {
    async 'user.registered'(tx, event) {
      if (poison(event)) throw new Error(`poisoned: ${event.data.username}`);
      await takeNote(tx, event);
    },
  };
}
