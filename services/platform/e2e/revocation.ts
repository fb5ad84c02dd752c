import { eventually } from '@tertulia/shared/testing/eventually';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { ask } from './people.ts';
import type { Stack } from './stack.ts';

export const ADMIN = { email: 'root@example.org', password: 'root of all that is tested' };
const PASSWORD = 'correct horse battery';

/** Somebody who is signed in on two devices. */
export type Two = { id: string; email: string; here: string; there: string; thereId: string };

const sessionOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid;

export async function signIn(stack: Stack, email: string, password = PASSWORD): Promise<string> {
  const body = { email, password };
  return (await ask('POST', `${stack.url('auth')}/auth/login`, { body })).accessToken;
}

export async function signUpTwice(stack: Stack, username: string): Promise<Two> {
  const email = `${username}@example.org`;
  const body = { username, email, password: PASSWORD };
  const { user, accessToken: here } = await ask('POST', `${stack.url('auth')}/auth/register`, { body });
  const there = await signIn(stack, email);
  return { id: user.id, email, here, there, thereId: sessionOf(there) };
}

/** One route of every process that tells a good token from a bad one. */
export function routesOf(stack: Stack): string[] {
  const nothing = '0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f';
  return [
    ...stack.urls('auth').map((url) => `${url}/auth/profile`),
    ...stack.urls('media').map((url) => `${url}/media?limit=1`),
    ...stack.urls('comments').map((url) => `${url}/comments/media/${nothing}`),
    ...stack.urls('notifications').map((url) => `${url}/notifications/unread-count`),
  ];
}

export async function statusOf(route: string, token: string): Promise<number> {
  const response = await fetch(route, { headers: { Authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  return response.status;
}

/** Where a token is refused, and where not. A store that is away refuses nobody. */
export async function refusals(stack: Stack, token: string): Promise<boolean[]> {
  return Promise.all(routesOf(stack).map(async (route) => (await statusOf(route, token)) === 401));
}

/** A socket on every node; `closes` fills as they are closed. */
export async function openSockets(stack: Stack, token: string): Promise<{ count: number; closes: number[] }> {
  const closes: number[] = [];
  const urls = stack.urls('notifications');
  await Promise.all(
    urls.map(async (url) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const socket = new WebSocket(`${url.replace('http', 'ws')}/notifications/ws`);
      socket.onopen = () => socket.send(JSON.stringify({ id: 1, connect: { token } }));
      socket.onmessage = ({ data }) => {
        if (String(data).includes('"connect"')) resolve();
        else if (data === '{}') socket.send('{}');
      };
      socket.onclose = ({ code }) => {
        closes.push(code);
        reject(new Error(`closed with ${code}`));
      };
      await promise;
    }),
  );
  return { count: urls.length, closes };
}

export const ACTS = ['logout', 'logout-all', 'session', 'password', 'role'] as const;
export type Act = (typeof ACTS)[number];

/** What an act does to the two devices: the code that their sockets are closed with, none when they go on. */
export const EXPECTED: Record<Act, { here?: 3500 | 3005; there?: 3500 | 3005 }> = {
  logout: { here: 3500 },
  'logout-all': { here: 3500, there: 3500 },
  session: { there: 3500 },
  password: { here: 3005, there: 3500 },
  role: { here: 3005, there: 3005 },
};

export async function perform(stack: Stack, act: Act, two: Two, adminToken: string): Promise<void> {
  const at = (path: string) => `${stack.url('auth')}/auth/${path}`;
  const as = { id: two.id, username: '', token: two.here };
  if (act === 'logout' || act === 'logout-all') await ask('POST', at(act), { as });
  if (act === 'session') await ask('DELETE', at(`sessions/${two.thereId}`), { as });
  if (act === 'password') {
    const body = { currentPassword: PASSWORD, newPassword: 'another horse battery' };
    await ask('PUT', at('password'), { as, body });
  }
  if (act === 'role') await ask('POST', at(`promote/${two.id}`), { as: { ...as, token: adminToken } });
}

/** Somebody whose tokens every process has verified, and remembers, with sockets on every node. */
export type Ready = { act: Act; two: Two; devices: Device[] };

type Device = {
  token: string;
  code: 3500 | 3005 | undefined;
  sockets: Awaited<ReturnType<typeof openSockets>>;
};

export async function makeReady(stack: Stack, act: Act, name: string): Promise<Ready> {
  const two = await signUpTwice(stack, name);
  const devices = [
    { token: two.here, code: EXPECTED[act].here },
    { token: two.there, code: EXPECTED[act].there },
  ].map(async (device) => {
    if ((await refusals(stack, device.token)).includes(true)) throw new Error('a good token was refused');
    return { ...device, sockets: await openSockets(stack, device.token) };
  });
  return { act, two, devices: await Promise.all(devices) };
}

/**
 * One round: the act, and the wait until every process refuses what it revoked and every socket is closed, while
 * what it did not revoke goes on. Returns how long the slowest took after the act's answer, ms.
 */
export async function round(stack: Stack, { act, two, devices }: Ready, adminToken: string): Promise<number> {
  await perform(stack, act, two, adminToken);
  const answered = performance.now();
  const concerned = devices.filter(({ code }) => code !== undefined);
  const spared = devices.filter(({ code }) => code === undefined);
  const refused = concerned.map(() => [] as boolean[]);
  let slowest = 0;
  await eventually(
    async () => {
      const looked = performance.now();
      for (const { token } of spared) {
        if ((await refusals(stack, token)).includes(true)) throw new Error('a good token was refused');
      }
      for (const [at, { token }] of concerned.entries()) {
        const [before, now] = [refused[at] ?? [], await refusals(stack, token)];
        if (before.some((was, n) => was && !now[n])) throw new Error('a dead token came back');
        if (now.some((is, n) => is && !before[n])) slowest = looked - answered;
        refused[at] = now;
      }
      return (
        refused.flat().every(Boolean) &&
        concerned.every(({ sockets }) => sockets.closes.length === sockets.count)
      );
    },
    { ms: HANG_MS, every: 20 },
  );
  for (const { code, sockets } of devices) {
    const wanted = code === undefined ? [] : Array(sockets.count).fill(code);
    if (String(sockets.closes) !== String(wanted)) throw new Error(`${act}: closed with ${sockets.closes}`);
  }
  return slowest;
}
