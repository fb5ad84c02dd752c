import type { Tx } from '../db/database.ts';
import { announce } from '../events/announce.ts';
import type { EventOf } from '../events/catalog.ts';
import type { Consumers } from '../events/consumers.ts';
import { effects } from './schema.ts';

/** Migrations of the databases that the spine's tests and benchmarks run on. */
export const SPINE_MIGRATIONS = `${import.meta.dir}/drizzle`;

/** Announces something about a subject: `note` comes back in the effect. */
export function announceNote(tx: Tx, userId: string, note: string): Promise<void> {
  const data = { userId, username: note, displayName: null, locale: 'en', role: 'USER' as const };
  return announce(tx, { type: 'user.registered', actorId: userId, data });
}

/** Writes down what it was told, and fails on what `poison` says. */
export function noteTaker(poison: (event: EventOf<'user.registered'>) => boolean = () => false): Consumers {
  return {
    async 'user.registered'(tx, event) {
      if (poison(event)) throw new Error(`poisoned: ${event.data.username}`);
      await tx
        .insert(effects)
        .values({ eventId: event.id, subject: event.subject, note: event.data.username });
    },
  };
}
