import type { Kind } from './objects.ts';
import { kindOf, type Owner, PERSONAL } from './objects.ts';
import type { Staff } from './people.ts';
import { isGuarded, isSafe, type Route } from './routes.ts';

export const CALLERS = ['nobody', 'stranger', 'moderator', 'admin', 'expired', 'revoked', 'demoted'] as const;
/** Whoever calls; the owner of the things is apart. */
export type Caller = (typeof CALLERS)[number];

export const THINGS = ['hidden', 'shown', 'absent'] as const;
export type Thing = (typeof THINGS)[number];

/**
 * How a call that goes too far must be refused: with one of these statuses, or as if the thing were not there;
 * undefined where nothing is too far.
 */
export type Refusal = { statuses: number[] } | 'as absent';

const RANK = { stranger: 0, moderator: 1, admin: 2 };
const WANTED = { user: 0, moderator: 1, admin: 2 };

/** The contract, as far as the document's `x-access` and the owner of a thing tell. */
export function refusalOf(route: Route, caller: Caller, thing: Thing): Refusal | undefined {
  const { access } = route;
  if (access === undefined || access === 'open') return undefined;
  if (caller === 'expired' || caller === 'revoked' || caller === 'demoted') return { statuses: [401] };
  if (caller === 'nobody' && access !== 'anyone') return { statuses: [401] };
  if (access === 'service') return { statuses: [401] };
  if (caller !== 'nobody' && access !== 'anyone' && RANK[caller] < WANTED[access]) return { statuses: [403] };

  const kind = kindOf(route);
  if (kind === undefined || kind === 'user' || thing === 'absent') return undefined;
  if (PERSONAL.has(kind)) return 'as absent';
  const moderates = caller === 'moderator' || caller === 'admin';
  if (thing === 'hidden' && !moderates) return 'as absent';
  // Others may like, report or answer it; the thing itself is changed by its owner, and taken away by moderators too.
  const isItself = route.path.endsWith('}') && !isSafe(route);
  if (isItself && !(moderates && route.method === 'DELETE')) return { statuses: [403, 404] };
  return undefined;
}

/** The things that a route can be tried on; one try where it is about none. */
export function thingsFor(route: Route, owner: Owner): Thing[] {
  const kind = kindOf(route);
  if (kind === undefined) return ['absent'];
  return THINGS.filter((thing) => thing === 'absent' || owner.things[kind][thing] !== undefined);
}

export function idOf(route: Route, owner: Owner, thing: Thing): string {
  const kind: Kind | undefined = kindOf(route);
  const id = kind === undefined || thing === 'absent' ? undefined : owner.things[kind][thing];
  return id ?? Bun.randomUUIDv7();
}

export function tokenOf(staff: Staff, caller: Caller): string | undefined {
  if (caller === 'nobody') return undefined;
  if (caller === 'expired' || caller === 'revoked' || caller === 'demoted') return staff.bad[caller];
  return staff[caller].token;
}

/** Who has the right by role alone, where it is a person's. */
export function rightful(route: Route, owner: Owner, staff: Staff): string | undefined {
  if (!isGuarded(route) || route.access === 'service') return undefined;
  return route.access === 'user'
    ? owner.token
    : staff[route.access === 'admin' ? 'admin' : 'moderator'].token;
}
