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
      const { client, routes, stack } = world();
      let owner = await makeOwner(stack);
      const reached = new Map<string, string[]>();
      for (const route of [...routes].sort(byDamage)) {
        // The least of things last: what is taken away stays away.
        for (const thing of thingsFor(route, owner).reverse()) {
          const token =
            route.access === 'service' ? await serviceToken(stack) : rightful(route, owner, world().staff);
          const id = await targetOf(world(), route, owner, thing);
          const answer = await call(world(), route, { thing, token, owner, id });
          const name = `${nameOf(route)}, ${thing}`;
          if (isGuarded(route) && isRefusal(answer)) client.fault(`${name}: ${told(answer)}`);
          const isNowhere = thing === 'absent' && route.path.includes('{') && route.method !== 'OPTIONS';
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

const isRefusal = ({ status, code }: Answer) =>
  (status === 401 && code === 'unauthenticated') || (status === 403 && code === 'forbidden');

/** Reading first, taking away after it, media after what hangs on them, and what ends an account last. */
function byDamage(a: Route, b: Route): number {
  return rankOf(a) - rankOf(b);
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
