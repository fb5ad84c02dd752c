import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { createLog } from '@tertulia/shared/runtime/log';
import type { Running } from '@tertulia/shared/runtime/serve';
import { eventually } from '@tertulia/shared/testing/eventually';
import { forgedTokens } from '@tertulia/shared/testing/forged-tokens';
import WebSocket from 'ws';
import { userChannel } from '../streams/streams.repository.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { createConnection } from './connection.ts';
import { jsonCodec } from './json-codec.ts';
import { WS_PATH } from './sockets.ts';

let app: TestApp;
let node: Running;
beforeAll(async () => {
  app = await createTestApp();
  node = app.listen();
});
afterAll(async () => {
  await node?.stop();
  await app?.close();
});

/** A bare socket: what it received, and how it was closed. */
async function open() {
  const socket = new WebSocket(`ws://127.0.0.1:${node.port}${WS_PATH}`);
  const received: string[] = [];
  let closed: number | undefined;
  socket.on('message', (message) => received.push(String(message)));
  socket.on('close', (code) => {
    closed = code;
  });
  socket.on('error', () => {});
  await new Promise((done) => socket.once('open', done));
  const send = (...commands: object[]) => socket.send(commands.map((it) => JSON.stringify(it)).join('\n'));
  return { socket, received, send, closed: () => closed };
}

describe('a connect', () => {
  test('with any forged or foreign token gets no further, and is told nothing', async () => {
    const { signer } = app.tokens;
    const claims = app.tokens.claims('ADMIN');
    const tokens = forgedTokens({ signer, claims, canary: 'http://127.0.0.1:1' }).flatMap(
      ({ name, headers }) => {
        const token = /^Bearer (\S+)$/.exec(headers?.Authorization ?? '')?.[1];
        return token === undefined ? [] : [{ name, token }];
      },
    );
    expect(tokens.length).toBeGreaterThan(80);
    await Promise.all(
      tokens.map(async ({ name, token }) => {
        const { received, send, closed, socket } = await open();
        send({ id: 1, connect: { token } });
        await eventually(() => closed() !== undefined || received.length > 0);
        // Too long a token is no token, and too long a frame is no frame.
        const codes = token.length > 60_000 ? [1006, 1009] : token.length > 8192 ? [3501] : [3500];
        if (/^exp(ired| negative)/.test(name))
          expect([name, JSON.parse(received[0] ?? '{}').error?.code]).toEqual([name, 109]);
        else expect([name, received, codes.includes(closed() ?? 0)]).toEqual([name, [], true]);
        socket.terminate();
      }),
    );
  });

  test('that does not come is waited for ten seconds, and then the socket is stale', () => {
    const [sent, closes]: string[][] = [[], []];
    const connection = createConnection(
      { send: (frame) => sent?.push(String(frame)), close: (reason) => closes?.push(reason), subscribe() {} },
      {
        codec: jsonCodec,
        verifier: app.tokens.verifier,
        hub: app.deps.hub,
        rpc: {},
        unreadOf: async () => 0,
        onConnect() {},
        pingSeconds: 1,
        log: createLog('test', 'silent'),
      },
    );
    const opened = Date.now();
    connection.onTick(opened + 9_000);
    expect([closes, sent]).toEqual([[], []]);
    connection.onTick(opened + 11_000);
    expect([closes, sent]).toEqual([['stale'], []]);
  });

  test('that has not come yet leaves a socket that hears nothing', async () => {
    const user = await app.tokens.user();
    const [silent, listening] = [await open(), await open()];
    listening.send({ id: 1, connect: { token: user.token } });
    await eventually(() => listening.received.length === 1);
    await app.tell(user.id);
    await eventually(() => listening.received.length === 2);
    expect(silent.received).toEqual([]);
    silent.send({ id: 1, subscribe: { channel: userChannel(user.id) } });
    await eventually(() => silent.closed() === 3501);
    expect(silent.received).toEqual([]);
    listening.socket.terminate();
  });
});

describe('an upgrade', () => {
  /** The status of a handshake, as it is: a client that knows the protocol would not send some of these. */
  function handshake(origin: string | undefined, path = WS_PATH): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${node.port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${Buffer.alloc(16, 7).toString('base64')}`,
      ...(origin === undefined ? [] : [`Origin: ${origin}`]),
    ];
    const socket = connect(node.port, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`));
    socket.once('data', (data) => {
      resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(String(data))?.[1]));
      socket.destroy();
    });
    socket.on('error', reject);
    return promise;
  }

  test('from an allowed origin, or from what is no browser, is 101', async () => {
    expect(await handshake('http://localhost:8080')).toBe(101);
    expect(await handshake(undefined)).toBe(101);
  });

  test.each([
    'https://evil.example',
    'null',
    '',
    'http://localhost:8081',
    'http://localhost',
    'https://localhost:8080',
    'http://localhost:8080.evil.example',
    'http://localhost:8080@evil.example',
    'http://evil.example/http://localhost:8080',
    'http://evil-localhost:8080',
    'http://localhost:8080/',
    'http://localhost:8080, https://evil.example',
    'http://LOCALHOST:8080',
  ])('from the origin %p is 403', async (origin) => {
    expect(await handshake(origin)).toBe(403);
  });

  test.each(['//notifications/ws', '/notifications/ws/', '/NOTIFICATIONS/WS', '/x/../notifications/ws'])(
    'by the path %s is none, or 403 all the same',
    async (path) => {
      expect([403, 404]).toContain(await handshake('https://evil.example', path));
    },
  );
});

describe('somebody else’s', () => {
  test('stream, history, position and notifications are out of reach, whatever a command names', async () => {
    const [a, b] = [await app.tokens.user(), await app.tokens.user()];
    const entry = await app.tell(a.id, 'Of a alone');
    const { id } = JSON.parse(entry.data).notification;
    const channel = userChannel(a.id);
    const position = { epoch: app.deps.hub.epoch, offset: 0 };
    const spy = await open();
    spy.send({
      id: 1,
      connect: {
        token: b.token,
        data: { userId: a.id, since: { [channel]: position } },
        subs: { [channel]: { recover: true, ...position } },
      },
    });
    spy.send({ id: 2, subscribe: { channel } }, { id: 3, history: { channel, limit: 10 } });
    spy.send({ id: 4, rpc: { method: 'read', data: { ids: [id] } } });
    spy.send({ id: 5, rpc: { method: 'read', data: { all: true, userId: a.id } } });
    spy.send({ id: 6, rpc: { method: 'unread', data: { userId: a.id } } });
    await eventually(() => spy.received.join('\n').includes('"id":6'));
    const replies = spy.received.map((frame) => JSON.parse(frame));
    expect(replies[0].connect.data).toEqual({ userId: b.id, unread: 0 });
    expect(Object.keys(replies[0].connect.subs)).toEqual([userChannel(b.id)]);
    expect(replies[1].error.code).toBe(103);
    expect(replies[2].error.code).toBeGreaterThanOrEqual(100);
    expect(replies[3].rpc.data).toEqual({ updated: 0, unread: 0 });
    expect(replies[4].error.code).toBe(107);
    expect(replies[5].rpc.data).toEqual({ unread: 0 });
    expect(spy.received.join()).not.toContain('Of a alone');
    const unread = await app.call('GET', '/notifications/unread-count', { as: a });
    expect(unread.body).toEqual({ unread: 1 });
    spy.socket.terminate();
  });
});
