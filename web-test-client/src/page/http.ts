import { ApiProblem, problemOf } from './problem.ts';

/** `fetch` that throws a problem for everything but success. */
export async function send(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiProblem(0, 'unreachable', 'The service cannot be reached. Is it running?');
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** A body as the services want it. */
export function jsonInit(
  method: string,
  body: unknown,
): { method: string; headers?: Record<string, string>; body?: string } {
  if (body === undefined) return { method };
  return { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

/** The same with the refresh token as a cookie, which auth then takes and gives. */
export function cookieInit(method: string, body?: unknown): RequestInit {
  const init = jsonInit(method, body);
  return { ...init, credentials: 'include', headers: { ...init.headers, 'X-Refresh-Cookie': '1' } };
}
