import type { Addresses, ServiceName } from './config.ts';
import { jsonInit, send } from './http.ts';
import { isProblem } from './problem.ts';
import type { Session } from './session.ts';

export type Page<Item> = { items: Item[]; nextCursor: string | null };

type Options = {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  credentials?: RequestCredentials;
};

export type Api = {
  /** The whole answer. */
  request(method: string, service: ServiceName, path: string, options?: Options): Promise<Response>;
  /** Its body, undefined where there is none. @throws {ApiProblem} */
  call<Body>(method: string, service: ServiceName, path: string, options?: Options): Promise<Body>;
};

/** Calls the services as whoever is signed in. A token that was refused is refreshed once, and tried again. */
export function createApi(addresses: Addresses, session: Session): Api {
  async function attempt(
    method: string,
    url: string,
    { body, headers, signal, credentials }: Options,
    token?: string,
  ) {
    const init = jsonInit(method, body);
    const authorization: Record<string, string> =
      token === undefined ? {} : { Authorization: `Bearer ${token}` };
    return send(url, {
      ...init,
      headers: { ...init.headers, ...headers, ...authorization },
      ...(signal === undefined ? {} : { signal }),
      ...(credentials === undefined ? {} : { credentials }),
    });
  }

  async function request(method: string, service: ServiceName, path: string, options: Options = {}) {
    const url = addresses[service] + path;
    const token = await session.token();
    try {
      return await attempt(method, url, options, token);
    } catch (error) {
      // Other problems with 401 are about a password or a code, and trying them twice would count twice.
      if (!isProblem(error, 'unauthenticated') || token === undefined) throw error;
      return attempt(method, url, options, await session.refresh(token));
    }
  }

  return {
    request,
    async call(method, service, path, options) {
      const response = await request(method, service, path, options);
      const text = await response.text();
      return text === '' ? undefined : JSON.parse(text);
    },
  };
}

/** `?a=1&b=2` of what is set. */
export function queryOf(parameters: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(parameters).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  );
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return query === '' ? '' : `?${query}`;
}
