import { connect } from 'node:net';

/** A request whose target is sent as it is: clients that know what a URL is would tidy it up. */
export type RawRequest = {
  method: string;
  target: string;
  headers?: Record<string, string>;
  body?: string | undefined;
};

export type RawAnswer = { status: number; headers: Headers; text: string };

const CRLF = '\r\n';
const PATIENCE_MS = 60_000;

/** Sends one request on a connection of its own. Status 0 when the connection ended without an answer. */
export async function rawRequest(url: string, request: RawRequest): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(url);
  const { method, target, headers = {}, body } = request;
  const lines = Object.entries({
    Host: host,
    Connection: 'close',
    ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}${CRLF}`);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let received = '';
  const socket = connect(Number(port), hostname, () => {
    socket.write(`${method} ${target} HTTP/1.1${CRLF}${lines.join('')}${CRLF}${body ?? ''}`);
  });
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no answer to ${method} ${target}`)));
  socket.setEncoding('latin1');
  socket.on('data', (part) => {
    received += part;
  });
  socket.on('error', reject);
  socket.on('close', () => resolve());
  await promise;
  const [head = '', ...rest] = received.split(CRLF + CRLF);
  const [start = '', ...fields] = head.split(CRLF);
  const answered = new Headers();
  for (const field of fields) {
    const colon = field.indexOf(':');
    if (colon > 0) answered.append(field.slice(0, colon), field.slice(colon + 1).trim());
  }
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(start)?.[1] ?? 0),
    headers: answered,
    text: rest.join(''),
  };
}
