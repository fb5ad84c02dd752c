import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { Running } from '@tertulia/shared/runtime/serve';
import { eventually } from '@tertulia/shared/testing/eventually';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { Centrifuge } from 'centrifuge';
import { sql } from 'drizzle-orm';
import WebSocket from 'ws';
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

let seq = 0;
const revoke = (userId: string, sessionIds: string[], minGeneration: number | null = null) =>
  app.tokens.revocations.add([
    { seq: ++seq, userId, sessionIds, minGeneration, expiresAt: new Date(Date.now() + 900_000) },
  ]);

const address = () => `ws://127.0.0.1:${node.port}/notifications/ws`;

/** The published SDK; `closes` and `connects` are what it went through. */
function connect(user: TestUser, getToken = async () => user.token) {
  const client = new Centrifuge(address(), { getToken, minReconnectDelay: 10, maxReconnectDelay: 50 });
  const closes: number[] = [];
  const interruptions: number[] = [];
  let connects = 0;
  client.on('disconnected', ({ code }) => closes.push(code));
  client.on('connecting', ({ code }) => interruptions.push(code));
  client.on('connected', () => connects++);
  client.connect();
  cleanup.push(() => client.disconnect());
  return { client, closes, interruptions, connects: () => connects };
}

/** A plain socket that has sent its connect command. */
function raw(token: string) {
  const socket = new WebSocket(address());
  const frames: string[] = [];
  let closed: number | undefined;
  socket.on('message', (frame) => frames.push(String(frame)));
  socket.on('close', (code) => {
    closed = code;
  });
  socket.on('open', () => socket.send(JSON.stringify({ id: 1, connect: { token } })));
  cleanup.push(() => socket.close());
  return { socket, frames, closed: () => closed };
}

describe('sockets of revoked tokens', () => {
  test('3500 at once for a dead session, and the SDK gives up; the other device stays', async () => {
    const [sid, other] = [Bun.randomUUIDv7(), Bun.randomUUIDv7()];
    const phone = await app.tokens.user('USER', { sid });
    const desk = await app.tokens.user('USER', { sub: phone.id, sid: other });
    const [lost, kept] = [connect(phone), connect(desk)];
    await eventually(() => lost.connects() === 1 && kept.connects() === 1);
    revoke(phone.id, [sid]);
    await eventually(() => lost.closes.length === 1);
    expect(lost.closes).toEqual([3500]);
    expect((await kept.client.rpc('unread', {})).data).toEqual({ unread: 0 });
    expect([kept.interruptions.length, kept.closes]).toEqual([1, []]);
  });

  test('3005 for an outdated generation, and the SDK comes back with a fresh token', async () => {
    const old = await app.tokens.user('USER', { ver: 3 });
    const fresh = await app.tokens.user('MODERATOR', { sub: old.id, ver: 4 });
    const live = connect(old, async () => (live.connects() === 0 ? old.token : fresh.token));
    await eventually(() => live.connects() === 1);
    revoke(old.id, [], 4);
    await eventually(() => live.connects() === 2);
    expect(live.interruptions).toEqual([0, 3005]);
    expect(live.closes).toEqual([]);
  });

  test('a connect with a dead session is closed with 3500, and told nothing', async () => {
    const sid = Bun.randomUUIDv7();
    const user = await app.tokens.user('USER', { sid });
    revoke(user.id, [sid]);
    const { frames, closed } = raw(user.token);
    await eventually(() => closed() === 3500);
    expect(frames).toEqual([]);
  });

  test('a connect with an outdated token gets error 109 and may try again on the same socket', async () => {
    const old = await app.tokens.user();
    const fresh = await app.tokens.user('USER', { sub: old.id, ver: 1 });
    revoke(old.id, [], 1);
    const { socket, frames, closed } = raw(old.token);
    await eventually(() => frames.length === 1);
    expect(JSON.parse(frames[0] ?? '')).toMatchObject({ id: 1, error: { code: 109 } });
    socket.send(JSON.stringify({ id: 2, connect: { token: fresh.token } }));
    await eventually(() => frames.length === 2);
    expect(JSON.parse(frames[1] ?? '')).toMatchObject({ id: 2, connect: { data: { userId: old.id } } });
    expect(closed()).toBeUndefined();
  });

  test.each([
    ['dead', 3500],
    ['outdated', 109],
  ])('a session that is %s while its socket is being made does not slip through', async (how, code) => {
    const sid = Bun.randomUUIDv7();
    const user = await app.tokens.user('USER', { sid });
    const { promise: release, resolve } = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holding = app.database.db.transaction(async (tx) => {
      await tx.execute(sql`lock table streams in access exclusive mode`);
      held.resolve();
      await release;
    });
    await held.promise;
    const { frames, closed } = raw(user.token);
    // The token has been accepted, and the position is being asked for.
    await eventually(async () => (await waiters()) > 0);
    if (how === 'dead') revoke(user.id, [sid]);
    else revoke(user.id, [], 1);
    resolve();
    await holding;
    await eventually(() => closed() !== undefined || frames.length > 0);
    if (how === 'dead') expect([closed(), frames]).toEqual([code, []]);
    else expect(JSON.parse(frames[0] ?? '')).toMatchObject({ error: { code } });
  });

  test('a refresh with a token of a dead session closes with 3500, with an outdated one 3005', async () => {
    for (const [how, code] of [
      ['dead', 3500],
      ['outdated', 3005],
    ] as const) {
      const [sid, other] = [Bun.randomUUIDv7(), Bun.randomUUIDv7()];
      const user = await app.tokens.user('USER', { sid, ver: 2 });
      const stale = await app.tokens.user('USER', { sub: user.id, sid: other, ver: how === 'dead' ? 2 : 1 });
      const { socket, frames, closed } = raw(user.token);
      await eventually(() => frames.length === 1);
      if (how === 'dead') revoke(user.id, [other]);
      else revoke(user.id, [], 2);
      expect(closed()).toBeUndefined();
      socket.send(JSON.stringify({ id: 2, refresh: { token: stale.token } }));
      await eventually(() => closed() === code);
    }
  });
});

async function waiters(): Promise<number> {
  const [row] = await app.database.db.execute<{ count: number }>(
    sql`select count(*)::int as count from pg_locks where not granted and relation = 'streams'::regclass`,
  );
  return row?.count ?? 0;
}
