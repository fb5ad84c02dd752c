import { expect, test } from 'bun:test';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { idOf, rightful } from './access.ts';
import {
  HOSTILE_HEADERS,
  HOSTILE_IDS,
  HOSTILE_QUERIES,
  type Hostile,
  hostileFields,
  hostileWholes,
} from './hostile.ts';
import { knownOf, stateOf } from './objects.ts';
import { isSafe, nameOf, type Route } from './routes.ts';
import { sampleOf } from './samples.ts';
import { goodRequest, shareOf, urlOf, type World } from './world.ts';

/** Hostile input to every route, by somebody who has the right to call it. */
export function describeBadInput(world: () => World): void {
  test(
    'bodies are refused as a whole, whatever is wrong with them',
    async () => {
      const { client, owner, routes, staff, stack } = world();
      const before = await stateOf(stack, owner);
      const tries = routes.flatMap((route, number) =>
        bodiesFor(world(), route, number).map((hostile) => ({ route, hostile })),
      );
      const send = async ({ route, hostile }: { route: Route; hostile: Hostile }) => {
        const name = `${nameOf(route)}, ${hostile.name}`;
        const { status } = await client.send({
          name,
          url: urlOf(world(), route, idOf(route, owner, 'hidden')),
          method: route.method,
          token: rightful(route, owner, staff),
          headers: { 'Content-Type': 'application/json', ...hostile.headers },
          body: hostile.body,
        });
        if (hostile.refused && status < 400) client.fault(`${name}: taken with ${status}`);
      };
      await client.each(
        tries.filter(({ hostile }) => hostile.refused),
        send,
      );
      expect(client.takeFaults()).toEqual([]);
      expect(await stateOf(stack, owner)).toEqual(before);

      // What is merely strange may have its effect, but not that of ending the account.
      const proven = (body: Route['body']) =>
        ['password', 'currentPassword'].some((field) => body?.schema.properties?.[field] !== undefined);
      await client.each(
        tries.filter(({ route, hostile }) => !hostile.refused && !proven(route.body)),
        send,
      );
      expect(client.takeFaults()).toEqual([]);
    },
    HANG_MS,
  );

  test(
    'headers, paths and queries are no fault of the server, and no way in',
    async () => {
      const { client, owner, routes, staff, stack } = world();
      const before = await stateOf(stack, owner);
      const tries = routes.flatMap((route, number) => shareOf(oddRequests(world(), route), number));
      await client.each(tries, async ({ route, name, url, headers = {}, refused }) => {
        const { headers: own } = goodRequest(route, owner, Bun.randomUUIDv7());
        const answer = await client.send({
          name,
          url,
          method: route.method,
          token: rightful(route, owner, staff),
          headers: { ...own, ...headers },
          // A good body would have effects, such as a new account for every header.
          body: isSafe(route) ? undefined : '{}',
        });
        if (refused && answer.status < 400) client.fault(`${name}: taken with ${answer.status}`);
        if (answer.text.length > 1024 * 1024) client.fault(`${name}: more than a megabyte`);
      });
      expect(client.takeFaults()).toEqual([]);
      expect(await stateOf(stack, owner)).toEqual(before);
    },
    HANG_MS,
  );
}

function bodiesFor({ owner, routes }: World, route: Route, number: number): Hostile[] {
  const { body } = route;
  if (body === undefined || !isJson(route)) return [];
  // How long a body may be is the same code everywhere: sent to one route of each service.
  const isFirst = routes.find((other) => other.service === route.service && isJson(other)) === route;
  const sample = sampleOf(body.schema, knownOf(owner)) as Record<string, unknown>;
  const wholes = hostileWholes(sample).filter(({ isLong }) => isFirst || isLong !== true);
  return [...wholes, ...shareOf(hostileFields(body.schema, sample), number)];
}

const isJson = ({ body }: Route) => body?.type.includes('json') === true;

type Odd = { route: Route; name: string; url: string; headers?: Record<string, string>; refused?: boolean };

function oddRequests(world: World, route: Route): Odd[] {
  const name = nameOf(route);
  const url = urlOf(world, route, idOf(route, world.owner, isSafe(route) ? 'hidden' : 'absent'));
  const queries = route.parameters.filter((parameter) => parameter.in === 'query');
  return [
    ...HOSTILE_HEADERS.map((headers, at) => ({ route, name: `${name}, headers ${at}`, url, headers })),
    ...(route.path.includes('{') ? HOSTILE_IDS : []).map((id) => ({
      route,
      name: `${name}, id ${id.slice(0, 40)}`,
      url: urlOf(world, route, id),
      // A discovery is the same everywhere.
      refused: route.method !== 'OPTIONS',
    })),
    ...queries.flatMap((query) =>
      [
        ...HOSTILE_QUERIES.map((value) => `${query.name}=${value}`),
        `${query.name}[]=1&${query.name}=1&${query.name}=2`,
      ].map((text) => ({ route, name: `${name}, ?${text.slice(0, 60)}`, url: `${url}?${text}` })),
    ),
  ];
}
