import { connect, type Socket } from 'node:net';
import { eventually } from '@tertulia/shared/testing/eventually';

/** A client that keeps to no promise: it sends what it is told, when it is told. */
export type RawClient = {
  send(data: string | Uint8Array): Promise<void>;
  /** What has come back so far. */
  received(): string;
  /** Resolves with the status line's status. */
  status(): Promise<number>;
  isClosed(): boolean;
  /** Goes away without a word. */
  vanish(): void;
};

export async function rawClient(port: number): Promise<RawClient> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(port, '127.0.0.1', () => resolve(socket));
  socket.once('error', reject);
  let received = '';
  let closed = false;
  socket.on('data', (data) => {
    received += data.toString('latin1');
  });
  socket.on('close', () => {
    closed = true;
  });
  socket.on('error', () => {});
  await promise;
  return {
    send(data) {
      const sent = Promise.withResolvers<void>();
      socket.write(data, () => sent.resolve());
      return sent.promise;
    },
    received: () => received,
    status: async () => Number(await eventually(() => /^HTTP\/1\.1 (\d{3})/.exec(received)?.[1])),
    isClosed: () => closed,
    vanish: () => void socket.destroy(),
  };
}

/** The head of a request. */
export function requestHead(method: string, path: string, headers: Record<string, string>): string {
  const lines = Object.entries({ Host: '127.0.0.1', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
