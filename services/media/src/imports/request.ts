import { type ClientRequest, type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Target } from './target.ts';

/**
 * One GET, to the address that was checked and to no other: the name is not resolved again, but sent as `Host`
 * and held against the certificate. Follows nothing, sends no credentials, decompresses nothing. Rejects when
 * nobody answers, or `signal` aborts, which cuts the body, too.
 */
export function get({ url, address }: Target, signal: AbortSignal): Promise<IncomingMessage> {
  const family = isIP(address);
  const lookup: LookupFunction = (_name, options, done) =>
    options.all ? done(null, [{ address, family }]) : done(null, address, family);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isSecure = url.protocol === 'https:';
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    host,
    port: url.port || (isSecure ? 443 : 80),
    path: url.pathname + url.search,
    headers: { Host: url.host, Accept: '*/*', 'Accept-Encoding': 'identity', 'User-Agent': 'Tertulia' },
    lookup,
    // A connection of its own: none that is kept for another name.
    agent: false as const,
    ...(isSecure && isIP(host) === 0 ? { servername: host } : {}),
  };
  let response: IncomingMessage | undefined;
  const request: ClientRequest = (isSecure ? overHttps : overHttp)(options, (answer) => {
    response = answer;
    resolve(answer);
  });
  const cut = () => {
    const reason = new Error('cut');
    reject(reason);
    response?.destroy(reason);
    request.destroy(reason);
  };
  request.on('error', reject);
  request.on('close', () => signal.removeEventListener('abort', cut));
  if (signal.aborted) cut();
  else signal.addEventListener('abort', cut, { once: true });
  request.end();
  return promise;
}
