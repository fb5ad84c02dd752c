import { WHOLE } from '@tertulia/shared/testing/whole';
import type { Stack } from '../stack.ts';
import { idOf, type Thing } from './access.ts';
import type { Answer, SurfaceClient } from './client.ts';
import { knownOf, type Owner } from './objects.ts';
import type { Staff } from './people.ts';
import { nameOf, type Route } from './routes.ts';
import { addressOf, requestOf, type Sample } from './samples.ts';

/** One stack for all these tests, and who and what is on it. */
export type World = {
  stack: Stack;
  /** Where the services write their logs. */
  logs: string;
  routes: Route[];
  staff: Staff;
  owner: Owner;
  client: SurfaceClient;
};

export const urlOf = ({ stack, owner }: World, route: Route, id: string, of = owner) =>
  `${stack.url(route.service)}${addressOf(route, id, knownOf(of))}`;

/** Headers and body of a request that nothing is wrong with. */
export function goodRequest(route: Route, owner: Owner, id: string): Sample {
  return requestOf(route, { ...knownOf(owner), ...(route.path.includes('{') ? {} : { mediaId: id }) });
}

/** Sends what is right in itself: only the caller, or the thing, may be wrong. */
export function call(
  world: World,
  route: Route,
  {
    thing,
    token,
    owner = world.owner,
    id = idOf(route, owner, thing),
  }: {
    thing: Thing;
    token: string | undefined;
    owner?: Owner;
    id?: string;
  },
): Promise<Answer> {
  const { method } = route;
  const name = `${nameOf(route)}, ${thing}`;
  return world.client.send({
    name,
    url: urlOf(world, route, id, owner),
    method,
    token,
    ...goodRequest(route, owner, id),
  });
}

export const told = ({ status, code }: Answer) => `${status} ${code}`;

/**
 * A third of the tries at the route of that number, another third at the next: each is made at many routes. All of
 * them at every route is `bun run verify:faults`, which nobody waits for.
 */
export function shareOf<Item>(tries: readonly Item[], route: number): Item[] {
  return WHOLE ? [...tries] : tries.filter((_, at) => (at + route) % 3 === 0);
}
