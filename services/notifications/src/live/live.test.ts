import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { Running } from '@tertulia/shared/runtime/serve';
import { eventually } from '@tertulia/shared/testing/eventually';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { Centrifuge, type ServerPublicationContext, type ServerSubscribedContext } from 'centrifuge';
import { eq } from 'drizzle-orm';
import WebSocket from 'ws';
import { streamEntries, streamEpoch } from '../db/schema.ts';
import { userChannel } from '../streams/streams.repository.ts';
import { createTestApp, type TestApp } from '../test-app.ts';

let app: TestApp;
let node: Running;
let cleanup: (() => unknown)[];
beforeEach(async () => {
  cleanup = [];
  app = await createTestApp();
  node = app.listen();
});
afterEach(async () => {
  for (const work of cleanup.reverse()) await work();
  await node.stop();
  await app.close();
});

const addressOf = (running: Running) => `ws://127.0.0.1:${running.port}/notifications/ws`;

/** The published SDK, with what it has heard. */
function connect(
  user: TestUser,
  { at = node, data, getToken }: { at?: Running; data?: unknown; getToken?: () => Promise<string> } = {},
) {
  const client = new Centrifuge(addressOf(at), {
    ...(getToken === undefined ? { token: user.token } : { getToken }),
    data,
    minReconnectDelay: 10,
    maxReconnectDelay: 50,
  });
  const heard: { offset: number; kind: string; title?: string }[] = [];
  const subscribed: ServerSubscribedContext[] = [];
  const closes: number[] = [];
  client.on('publication', ({ offset, data: got }: ServerPublicationContext) => {
    heard.push({
      offset: offset ?? -1,
      kind: got.kind,
      ...(got.notification === undefined ? {} : { title: got.notification.message }),
    });
  });
  client.on('subscribed', (context: ServerSubscribedContext) => subscribed.push(context));
  client.on('disconnected', ({ code }) => closes.push(code));
  client.connect();
  cleanup.push(() => client.disconnect());
  return { client, heard, subscribed, closes, offsets: () => heard.map(({ offset }) => offset) };
}

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, at) => from + at);

describe('the socket, by the unmodified centrifuge client', () => {
  test('connects, is subscribed to its own stream, and hears of everything as it happens, in order', async () => {
    const user = await app.tokens.user();
    const other = await app.tokens.user();
    const live = connect(user);
    const { data } = await new Promise<{ data?: unknown }>((resolve) => {
      live.client.on('connected', resolve);
    });
    expect(data).toEqual({ userId: user.id, unread: 0 });
    await Promise.all(upTo(50).map((n) => app.tell(n % 2 ? user.id : other.id)));
    await eventually(() => live.heard.length === 25);
    expect(live.offsets()).toEqual(upTo(25));
    expect(
      live.subscribed.map(({ channel, positioned, recovered }) => [channel, positioned, recovered]),
    ).toEqual([[userChannel(user.id), true, false]]);
  });

  test('reading on one device is heard on the other', async () => {
    const user = await app.tokens.user();
    const [phone, desk] = [connect(user), connect(user)];
    await Promise.all([phone, desk].map(({ subscribed }) => eventually(() => subscribed.length === 1)));
    await app.tell(user.id);
    await app.call('POST', '/notifications/read', { as: user, body: { all: true } });
    await eventually(() => phone.heard.length === 2 && desk.heard.length === 2);
    expect(phone.heard).toEqual(desk.heard);
    expect(phone.heard.map(({ kind }) => kind)).toEqual(['notification', 'read']);
  });

  test('rpc does what HTTP does', async () => {
    const user = await app.tokens.user();
    const { client } = connect(user);
    await app.tell(user.id);
    expect((await client.rpc('unread', {})).data).toEqual({ unread: 1 });
    expect((await client.rpc('read', { all: true })).data).toEqual({ updated: 1, unread: 0 });
    await expect(client.rpc('read', { all: 7 })).rejects.toMatchObject({ code: 107 });
    await expect(client.rpc('constructor', {})).rejects.toMatchObject({ code: 104 });
  });

  test('a client that was away gets exactly what it missed, in order, then goes on live', async () => {
    const user = await app.tokens.user();
    const live = connect(user);
    await eventually(() => live.subscribed.length === 1);
    await app.tell(user.id);
    await eventually(() => live.heard.length === 1);
    live.client.disconnect();
    for (let n = 0; n < 200; n++) await app.tell(user.id);
    live.client.connect();
    await eventually(() => live.heard.length === 201);
    await app.tell(user.id);
    await eventually(() => live.heard.length === 202);
    expect(live.offsets()).toEqual(upTo(202));
    expect(live.subscribed.at(-1)).toMatchObject({ wasRecovering: true, recovered: true });
  });

  test('a page that was loaded anew asks by connect.data.since', async () => {
    const user = await app.tokens.user();
    const channel = userChannel(user.id);
    for (let n = 0; n < 5; n++) await app.tell(user.id);
    const since = { [channel]: { epoch: app.deps.hub.epoch, offset: 2 } };
    const live = connect(user, { data: { since } });
    await eventually(() => live.heard.length === 3);
    expect(live.offsets()).toEqual([3, 4, 5]);
  });

  test('a dropped socket comes back by itself and misses nothing', async () => {
    const user = await app.tokens.user();
    const live = connect(user);
    await eventually(() => live.subscribed.length === 1);
    await app.tell(user.id);
    await eventually(() => live.heard.length === 1);
    const { port } = node;
    await node.stop();
    for (let n = 0; n < 20; n++) await app.tell(user.id);
    const second = await createTestApp({ settings: { NOTIFICATIONS_PORT: String(port) }, share: app });
    const again = second.listen();
    cleanup.push(
      () => second.close(),
      () => again.stop(),
    );
    await eventually(() => live.heard.length === 21);
    expect(live.offsets()).toEqual(upTo(21));
    expect(live.closes).toEqual([]);
  });

  test('an expired token is replaced by the SDK, position kept', async () => {
    const now = Math.floor(Date.now() / 1000);
    const user = await app.tokens.user();
    const old = await app.tokens.user('USER', { sub: user.id, iat: now - 20, exp: now - 10 });
    let asked = 0;
    const live = connect(user, { getToken: async () => (asked++ === 0 ? old.token : user.token) });
    await eventually(() => live.subscribed.length === 1);
    expect(asked).toBe(2);
    expect(live.closes).toEqual([]);
  });

  test('the token is refreshed in place', async () => {
    const now = Math.floor(Date.now() / 1000);
    const user = await app.tokens.user();
    const short = await app.tokens.user('USER', { sub: user.id, exp: now + 2 });
    let asked = 0;
    const live = connect(user, { getToken: async () => (asked++ === 0 ? short.token : user.token) });
    await eventually(() => asked === 2);
    await app.tell(user.id);
    await eventually(() => live.heard.length === 1);
    expect(live.subscribed).toHaveLength(1);
  });

  test('two nodes share the stream; a lost hint is healed from Postgres', async () => {
    const second = await createTestApp({ share: app });
    const other = second.listen();
    cleanup.push(
      () => second.close(),
      () => other.stop(),
    );
    const user = await app.tokens.user();
    const [here, there] = [connect(user), connect(user, { at: other })];
    await Promise.all([here, there].map(({ subscribed }) => eventually(() => subscribed.length === 1)));
    await app.tell(user.id);
    await eventually(() => here.heard.length === 1 && there.heard.length === 1);
    // Committed, and nobody told: the next hint shows the gap.
    const { notify } = await import('../inbox/inbox.service.ts');
    const lost = {
      userId: user.id,
      type: 'upload_completed',
      parameters: { mediaTitle: 'x' },
      data: {},
    } as const;
    await app.database.db.transaction((tx) => notify(tx, lost));
    await app.tell(user.id);
    await eventually(() => here.heard.length === 3 && there.heard.length === 3);
    // And without a next one, comparing the counters does.
    await app.database.db.transaction((tx) => notify(tx, lost));
    await eventually(() => here.heard.length === 4 && there.heard.length === 4);
    expect(here.offsets()).toEqual(upTo(4));
    expect(there.offsets()).toEqual(upTo(4));
  });

  test('the seam: clients that reconnect at random instants get each entry once, in order', async () => {
    const user = await app.tokens.user();
    const clients = Array.from({ length: 8 }, () => connect(user));
    const feed = connect(await app.tokens.user());
    await Promise.all([...clients, feed].map(({ subscribed }) => eventually(() => subscribed.length === 1)));
    let done = false;
    const publishing = (async () => {
      for (let n = 0; n < 40; n++) await Promise.all(upTo(10).map(() => app.tell(user.id)));
      done = true;
    })();
    await Promise.all(
      clients.map(async ({ client, heard }) => {
        while (!done) {
          const before = heard.length;
          await eventually(() => done || heard.length > before + Math.random() * 30);
          client.disconnect();
          client.connect();
          await client.ready();
        }
      }),
    );
    await publishing;
    for (const { heard, offsets } of clients) {
      await eventually(() => heard.length >= 400);
      expect(offsets()).toEqual(upTo(400));
    }
  });
});

describe('recovery is certain, or said not to be', () => {
  test.each([
    ['an offset of the future', (epoch: string) => ({ epoch, offset: 999 })],
    ['another epoch', () => ({ epoch: 'other', offset: 1 })],
    ['a negative offset', (epoch: string) => ({ epoch, offset: -1 })],
    ['text for an offset', (epoch: string) => ({ epoch, offset: 'abc' })],
    ['an offset of 2^63', (epoch: string) => ({ epoch, offset: 2 ** 63 })],
  ])('recovered: false for %s', async (_, position) => {
    const user = await app.tokens.user();
    for (let n = 0; n < 3; n++) await app.tell(user.id);
    const since = { [userChannel(user.id)]: position(app.deps.hub.epoch) };
    const live = connect(user, { data: { since } });
    await eventually(() => live.subscribed.length === 1);
    expect(live.subscribed[0]).toMatchObject({ wasRecovering: true, recovered: false });
    await app.tell(user.id);
    await eventually(() => live.heard.length === 1);
    expect(live.offsets()).toEqual([4]);
  });

  test('recovered: false when entries are gone, or the epoch was changed', async () => {
    const user = await app.tokens.user();
    for (let n = 0; n < 5; n++) await app.tell(user.id);
    await app.database.db.delete(streamEntries).where(eq(streamEntries.entryOffset, 3));
    const since = { [userChannel(user.id)]: { epoch: app.deps.hub.epoch, offset: 1 } };
    const live = connect(user, { data: { since } });
    await eventually(() => live.subscribed.length === 1);
    expect(live.subscribed[0]?.recovered).toBe(false);
    await app.database.db.update(streamEpoch).set({ value: 'restored' });
    const second = await createTestApp({ share: app });
    cleanup.push(() => second.close());
    expect(second.deps.hub.epoch).not.toBe(app.deps.hub.epoch);
  });
});

describe('hostile clients', () => {
  /** A bare socket: what it received, and how it was closed. */
  async function raw(headers: Record<string, string> = {}) {
    const socket = new WebSocket(addressOf(node), { headers });
    const received: string[] = [];
    const { promise: closed, resolve } = Promise.withResolvers<number>();
    socket.on('message', (message) => received.push(String(message)));
    socket.on('close', resolve);
    socket.on('error', () => {});
    cleanup.push(() => socket.terminate());
    await new Promise((done) => socket.once('open', done));
    return { socket, received, closed };
  }
  const connectWith = (token: string) => JSON.stringify({ id: 1, connect: { token } });

  test.each([
    ['no token', ''],
    ['nonsense', 'nonsense'],
    [
      'an unsigned one',
      `${Buffer.from('{"alg":"none","typ":"JWT","kid":"test"}').toString('base64url')}.e30.x`,
    ],
  ])('3500 for %s', async (_, token) => {
    const { socket, received, closed } = await raw();
    socket.send(connectWith(token));
    expect(await closed).toBe(3500);
    expect(received).toEqual([]);
  });

  test('error 109 for an expired token', async () => {
    const now = Math.floor(Date.now() / 1000);
    const { token } = await app.tokens.user('USER', { iat: now - 20, exp: now - 10 });
    const { socket, received } = await raw();
    socket.send(connectWith(token));
    await eventually(() => received.length === 1);
    expect(JSON.parse(received[0] ?? '')).toEqual({ id: 1, error: { code: 109, message: 'token expired' } });
  });

  test.each([
    ['what is no JSON', '{"id":'],
    ['a command before connect', '{"id":1,"rpc":{"method":"unread"}}'],
    ['a command of the wrong shape', '{"id":"one","connect":{}}'],
    ['an array', '[]'],
  ])('3501 for %s', async (_, frame) => {
    const { socket, closed } = await raw();
    socket.send(frame);
    expect(await closed).toBe(3501);
  });

  test('3501 for a second connect, and for binary frames', async () => {
    const { token } = await app.tokens.user();
    const twice = await raw();
    twice.socket.send(`${connectWith(token)}\n${connectWith(token)}`);
    expect(await twice.closed).toBe(3501);
    const binary = await raw();
    binary.socket.send(Buffer.from([1, 2, 3]));
    expect(await binary.closed).toBe(3501);
  });

  test('3013 for a flood, 1009 for a frame over 64 KiB; the node lives', async () => {
    const { token } = await app.tokens.user();
    const flood = await raw();
    flood.socket.send(connectWith(token));
    for (let n = 2; n < 2000; n++) flood.socket.send(`{"id":${n},"rpc":{"method":"nothing"}}`);
    expect(await flood.closed).toBe(3013);
    const large = await raw();
    large.socket.send('x'.repeat(64 * 1024 + 1));
    expect(await large.closed).toBeOneOf([1006, 1009]);
    const user = await app.tokens.user();
    const live = connect(user);
    await eventually(() => live.subscribed.length === 1);
  });

  test('103 for another’s stream; nobody hears what is not theirs', async () => {
    const [a, b] = [await app.tokens.user(), await app.tokens.user()];
    const spy = await raw();
    const channel = userChannel(a.id);
    spy.socket.send(
      JSON.stringify({
        id: 1,
        connect: {
          token: b.token,
          subs: { [channel]: { recover: true, epoch: app.deps.hub.epoch } },
          data: { since: { [channel]: { epoch: app.deps.hub.epoch, offset: 0 } } },
        },
      }),
    );
    spy.socket.send(JSON.stringify({ id: 2, subscribe: { channel } }));
    await eventually(() => spy.received.length === 2);
    expect(JSON.parse(spy.received[1] ?? '').error.code).toBe(103);
    await app.tell(a.id);
    await app.tell(b.id, 'own');
    await eventually(() => spy.received.length === 3);
    expect(spy.received.join()).not.toContain(a.id);
  });

  test('the eleventh socket of one user closes the oldest with 3504', async () => {
    const { token } = await app.tokens.user();
    const sockets = [];
    for (let n = 0; n < 11; n++) {
      const next = await raw();
      next.socket.send(connectWith(token));
      await eventually(() => next.received.length === 1);
      sockets.push(next);
    }
    expect(await sockets[0]?.closed).toBe(3504);
    expect(sockets.filter(({ socket }) => socket.readyState === WebSocket.OPEN)).toHaveLength(10);
  });

  test('shutting down closes with 3001', async () => {
    const { token } = await app.tokens.user();
    const { socket, received, closed } = await raw({ Origin: 'http://localhost:8080' });
    socket.send(connectWith(token));
    await eventually(() => received.length === 1);
    await node.stop();
    expect(await closed).toBe(3001);
  });
});
