import { expect, test } from 'bun:test';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { CALLERS, type Caller, idOf, refusalOf, type Thing, thingsFor, tokenOf } from './access.ts';
import { knownOf, stateOf } from './objects.ts';
import { rawRequest } from './raw.ts';
import { isGuarded, nameOf, type Route } from './routes.ts';
import { addressOf } from './samples.ts';
import { disguisesOf, rewritesOf, spellingsOf } from './spellings.ts';
import { call, goodRequest, shareOf, told, type World } from './world.ts';

type Try = { route: Route; caller: Caller; thing: Thing };

/** Every route, tried by everybody who must be refused. */
export function describeRefusals(world: () => World): void {
  test('says whom it lets through, in words that agree', () => {
    const { routes } = world();
    expect(routes.length).toBeGreaterThan(60);
    const silent = routes.filter(({ access }) => access === undefined).map(nameOf);
    expect(silent, 'spread a guard into these, or `open`, or `declareAccess(…)`').toEqual([]);
    for (const { access, security } of routes) {
      const bearer = { bearerAuth: [] };
      expect(security).toEqual(access === 'open' ? [] : access === 'anyone' ? [{}, bearer] : [bearer]);
    }
  });

  test(
    'refuses whoever has not the right, and tells nobody what is hidden',
    async () => {
      const { client, owner, routes, stack } = world();
      const before = await stateOf(stack, owner);
      const tries = routes.flatMap((route) =>
        CALLERS.flatMap((caller) => thingsFor(route, owner).map((thing) => ({ route, caller, thing }))),
      );
      const found: Record<string, number> = {};
      await client.each(tries, async (each) => {
        const status = await tryOnce(world(), each);
        if (status !== undefined) found[status] = (found[status] ?? 0) + 1;
      });
      console.log('surface, refusals by status:', JSON.stringify(found));
      expect(client.takeFaults()).toEqual([]);
      expect(await stateOf(stack, owner)).toEqual(before);
      // Otherwise the table would have shrunk to nothing, and all of it would be true.
      expect(found[401]).toBeGreaterThan(routes.filter(isGuarded).length * 4);
      expect(found[403]).toBeGreaterThan(10);
      expect(found[404]).toBeGreaterThan(30);
    },
    HANG_MS,
  );

  test(
    'is as guarded by any other spelling of its path, and by any disguise of its method',
    async () => {
      const { client, owner, stack } = world();
      const before = await stateOf(stack, owner);
      const tries = disguised(world());
      expect(tries.length).toBeGreaterThan(600);
      await client.each(tries, async ({ route, caller, request }) => {
        const name = `${nameOf(route)}, ${caller}, ${request.method} ${request.target}`;
        const { status, headers, text } = await rawRequest(stack.url(route.service), request);
        client.count();
        if (status < 400) client.fault(`${name}: ${status}`);
        // What is no HTTP any more is answered by the server below the service, with an empty 400.
        if (status === 400 && text === '') return;
        client.inspect(name, request.method, { status, headers, text, code: undefined });
      });
      expect(client.takeFaults()).toEqual([]);
      expect(await stateOf(stack, owner)).toEqual(before);
    },
    HANG_MS,
  );
}

/** The status, where this was too far. */
async function tryOnce(world: World, { route, caller, thing }: Try): Promise<number | undefined> {
  const refusal = refusalOf(route, caller, thing);
  if (refusal === undefined) return undefined;
  const token = tokenOf(world.staff, caller);
  const answer = await call(world, route, { thing, token });
  const say = (wanted: string) =>
    world.client.fault(`${nameOf(route)}, ${thing}, ${caller}: ${told(answer)} instead of ${wanted}`);
  if (refusal === 'as absent') {
    const absent = await call(world, route, { thing: 'absent', token });
    if (answer.status < 400 || told(answer) !== told(absent))
      say(`${told(absent)}, as for one that is absent`);
  } else if (!refusal.statuses.includes(answer.status)) say(String(refusal.statuses));
  return answer.status;
}

/** What must be refused, in other spellings and disguises. */
function disguised({ owner, routes, staff }: World) {
  // By nobody, and by whoever of these is refused: one thing is enough, as they are all refused alike.
  const callers: Caller[][] = [['nobody'], ['moderator', 'stranger']];
  const refused = routes.flatMap((route) =>
    callers.flatMap((some) =>
      some
        .flatMap((caller) => thingsFor(route, owner).map((thing) => ({ route, caller, thing })))
        .filter(({ caller, thing }) => refusalOf(route, caller, thing) !== undefined)
        .slice(0, 1),
    ),
  );
  const isOpen = (method: string, { service, path }: Route) =>
    routes.some(
      (other) =>
        other.service === service && other.path === path && other.method === method && !isGuarded(other),
    );
  return refused.flatMap(({ route, caller, thing }, number) => {
    const id = idOf(route, owner, thing);
    const path = addressOf(route, id, knownOf(owner));
    const { headers, body } = goodRequest(route, owner, id);
    const token = tokenOf(staff, caller);
    const all = { ...headers, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
    const own = typeof body === 'string' ? body : undefined;
    const as = (method: string, target: string, more = {}, text = own) => ({
      route,
      caller,
      request: { method, target, headers: { ...all, ...more }, body: text },
    });
    const others = ['POST', 'GET'].filter((method) => method !== route.method && !isOpen(method, route));
    const tries = [
      ...spellingsOf(path).map((target) => as(route.method, target)),
      ...(route.method === 'GET' ? [as('HEAD', path)] : []),
      as(route.method, '/', rewritesOf(path)),
      ...others.flatMap((method) =>
        disguisesOf(route.method).map((disguise) =>
          as(method, `${path}${disguise.suffix}`, disguise.headers, disguise.body),
        ),
      ),
    ];
    return shareOf(tries, number);
  });
}
