import { expect, test } from 'bun:test';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { idOf, rightful, type Thing, thingsFor } from './access.ts';
import type { Answer } from './client.ts';
import { kindOf, makeOwner, type Owner } from './objects.ts';
import { serviceToken, signUp } from './people.ts';
import { isGuarded, isSafe, nameOf, type Route } from './routes.ts';
import { call, told, type World } from './world.ts';

/** The other half of the table: who has the right is let through, and finds nothing where nothing is. */
export function describeRights(world: () => World): void {
  test(
    'lets through who has the right',
    async () => {
      const { client, routes, staff, stack } = world();
      let owner = await makeOwner(stack);
      const reached = new Map<string, string[]>();
      for (const route of [...routes].sort(byDamage)) {
        // The least of things last: what is taken away stays away.
        for (const thing of thingsFor(route, owner).reverse()) {
          const token =
            route.access === 'service' ? await serviceToken(stack) : rightful(route, owner, staff);
          const id = await targetOf(world(), route, owner, thing);
          const first = await call(world(), route, { thing, token, owner, id });
          // Some things are for others alone, such as to report what is not one's own.
          const answer =
            first.code === 'forbidden' && route.access === 'user' && thing === 'shown'
              ? await call(world(), route, { thing, token: staff.stranger.token, owner, id })
              : first;
          const name = `${nameOf(route)}, ${thing}`;
          // What is hidden is seen by its owner alone, so nobody else is there to try.
          if (isGuarded(route) && isRefusal(answer) && !(thing === 'hidden' && answer.status === 403))
            client.fault(`${name}: ${told(answer)}`);
          const isNowhere = thing === 'absent' && isAboutOne(route);
          if (isNowhere && answer.status < 400)
            client.fault(`${name}: ${answer.status} for what is not there`);
          if (!isNowhere) reached.set(nameOf(route), [...(reached.get(nameOf(route)) ?? []), told(answer)]);
          if (ends(route)) owner = { ...owner, ...(await signUp(stack)) };
        }
      }
      const guarded = routes.filter(isGuarded).map(nameOf);
      const missed = guarded.filter((name) => !reached.get(name)?.some((answer) => /^[23]/.test(answer)));
      console.log(
        `surface: at ${guarded.length - missed.length} of ${guarded.length} guarded routes somebody got through;`,
        `not at ${missed.map((name) => `${name} (${reached.get(name)})`).join(', ')}`,
      );
      expect(client.takeFaults()).toEqual([]);
      expect(missed.length).toBeLessThan(guarded.length / 3);
    },
    HANG_MS,
  );
}

/** Whose absence shows. A discovery is the same everywhere, and no service but auth knows who there is. */
const isAboutOne = (route: Route) =>
  route.path.includes('{') &&
  route.method !== 'OPTIONS' &&
  !(kindOf(route) === 'user' && route.service !== 'auth');

const isRefusal = ({ status, code }: Answer) =>
  (status === 401 && code === 'unauthenticated') || (status === 403 && code === 'forbidden');

/** Reading first, taking away after it, media after what hangs on them, and what ends an account last. */
function byDamage(a: Route, b: Route): number {
  return rankOf(a) - rankOf(b) || b.path.length - a.path.length;
}

function rankOf(route: Route): number {
  if (ends(route)) return 4;
  if (route.method === 'DELETE') return kindOf(route) === 'media' ? 3 : 2;
  return isSafe(route) ? 0 : 1;
}

const ends = ({ method, path }: Route) =>
  !isSafe({ method }) && /^\/auth\/(logout|account|password)/.test(path);

/** What is done to users is done to somebody whom nobody needs. */
async function targetOf({ stack }: World, route: Route, owner: Owner, thing: Thing): Promise<string> {
  if (kindOf(route) === 'user' && thing !== 'absent' && !isSafe(route)) return (await signUp(stack)).id;
  return idOf(route, owner, thing);
}
