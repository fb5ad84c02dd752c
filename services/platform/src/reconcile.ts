import {
  heldUsers as heldByAuth,
  whoHasGone,
  whoLives,
} from '@tertulia/auth/account-end/account-end.repository';
import { erasePersonal } from '@tertulia/auth/audit/audit.repository';
import { heldUsers as heldByComments } from '@tertulia/comments/departures/departures';
import { heldUsers as heldByMedia } from '@tertulia/media/departures/departures';
import { heldUsers as heldByNotifications } from '@tertulia/notifications/departures/departures';
import type { Db } from '@tertulia/shared/db/database';
import { noteDeparture } from '@tertulia/shared/departures/departures';
import { FIRST_USER, type ReadHeld } from '@tertulia/shared/departures/held';

const PAGE = 1000;
const NAMED = 20;

/** Services that hold something of users, and auth itself. */
export const HOLDERS = ['auth', 'media', 'comments', 'notifications'] as const;
export type Holder = (typeof HOLDERS)[number];
export type Databases = Record<Holder, Db>;

const READ: Record<Holder, ReadHeld> = {
  auth: heldByAuth,
  media: heldByMedia,
  comments: heldByComments,
  notifications: heldByNotifications,
};

/** Users of whom a service holds something, though they have no account. Of each kind a few are named. */
export type Leftovers = {
  holder: Holder;
  /** Users of whom the service holds something at all. */
  users: number;
  /** Deleted, as auth's audit log says. */
  gone: { count: number; some: string[] };
  /** Auth knows nothing of them: never repaired, as it may be auth's database that is the wrong one. */
  unknown: { count: number; some: string[] };
};

export const isClean = ({ gone, unknown }: Leftovers) => gone.count + unknown.count === 0;

/**
 * Compares what every service holds with auth's accounts, a page of ids at a time. With `fix`, each service is
 * told once more of those who have gone: while it runs, it lets go of them within seconds.
 */
export async function reconcile(databases: Databases, fix: boolean, page = PAGE): Promise<Leftovers[]> {
  const found: Leftovers[] = [];
  for (const holder of HOLDERS) found.push(await look(databases, holder, fix, page));
  return found;
}

async function look(databases: Databases, holder: Holder, fix: boolean, page: number): Promise<Leftovers> {
  const [auth, db] = [databases.auth, databases[holder]];
  const left: Leftovers = {
    holder,
    users: 0,
    gone: { count: 0, some: [] },
    unknown: { count: 0, some: [] },
  };
  for (let after = FIRST_USER; ; ) {
    const ids = await READ[holder](db, after, page);
    left.users += ids.length;
    // In this order: who is made in between is held, and lives.
    const living = ids.length === 0 ? new Set<string>() : await whoLives(auth, ids);
    const others = ids.filter((id) => !living.has(id));
    const gone = others.length === 0 ? new Set<string>() : await whoHasGone(auth, others);
    for (const id of others) {
      count(gone.has(id) ? left.gone : left.unknown, id);
      if (fix && gone.has(id)) await repair(databases, holder, id);
    }
    const last = ids.at(-1);
    if (last === undefined || ids.length < page) return left;
    after = last;
  }
}

function count(kind: { count: number; some: string[] }, id: string): void {
  kind.count++;
  if (kind.some.length < NAMED) kind.some.push(id);
}

async function repair(databases: Databases, holder: Holder, userId: string): Promise<void> {
  if (holder !== 'auth') await noteDeparture(databases[holder], userId);
  else await databases.auth.transaction((tx) => erasePersonal(tx, userId));
}

/** One line a service, and one for each kind of leftovers. */
export function report(found: readonly Leftovers[]): string[] {
  return found.flatMap(({ holder, users, gone, unknown }) => {
    const lines = [`${holder}: ${users} users, ${gone.count} of them gone, ${unknown.count} unknown to auth`];
    if (gone.count > 0) lines.push(`${holder}: gone: ${named(gone)}`);
    if (unknown.count > 0) lines.push(`${holder}: unknown: ${named(unknown)}`);
    return lines;
  });
}

function named({ count, some }: { count: number; some: string[] }): string {
  const more = count - some.length;
  return `${some.join(' ')}${more === 0 ? '' : ` and ${more} more`}`;
}
