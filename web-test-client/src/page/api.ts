import type { Addresses, ServiceName } from './config.ts';
import { jsonInit, send } from './http.ts';
import { ApiProblem } from './problem.ts';
import type { Session } from './session.ts';

export type Page<Item> = { items: Item[]; nextCursor: string | null };

type Options = { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal };

export type Api = {
  /** The whole answer. */
  request(method: string, service: ServiceName, path: string, options?: Options): Promise<Response>;
  /** Its body, undefined for a 204. @throws {ApiProblem} */
  call<Body>(method: string, service: ServiceName, path: string, options?: Options): Promise<Body>;
};

/** Calls the services as whoever is signed in. A token that was refused is refreshed once, and tried again. */
export function createApi(addresses: Addresses, session: Session): Api {
  async function attempt(method: string, url: string, { body, headers, signal }: Options, token?: string) {
    const init = jsonInit(method, body);
    const authorization: Record<string, string> =
      token === undefined ? {} : { Authorization: `Bearer ${token}` };
    return send(url, {
      ...init,
      headers: { ...init.headers, ...headers, ...authorization },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async function request(method: string, service: ServiceName, path: string, options: Options = {}) {
    const url = addresses[service] + path;
    const token = await session.token();
    try {
      return await attempt(method, url, options, token);
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 401 || token === undefined) throw error;
      return attempt(method, url, options, await session.refresh(token));
    }
  }

  return {
    request,
    async call(method, service, path, options) {
      const response = await request(method, service, path, options);
      return response.status === 204 ? undefined : response.json();
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
