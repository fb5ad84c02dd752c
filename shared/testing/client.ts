import { expect } from 'bun:test';
import { typeOf } from '../http/problem.ts';
import { createDeclarationCheck } from './declared.ts';
import type { TestUser } from './tokens.ts';

type Options = { as?: TestUser | { token: string }; body?: unknown; headers?: Record<string, string> };

// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
export type Answer = { status: number; body: any; headers: Headers };

type App = { request(path: string, init: RequestInit): Response | Promise<Response> };

/** Calls an app as a client would; every error it gets must be a whole problem, and every status a
 * declared one, whatever the test looks at. */
export function createTestClient(app: App) {
  const expectDeclared = createDeclarationCheck(app);
  return async function call(
    method: string,
    path: string,
    { as, body, headers }: Options = {},
  ): Promise<Answer> {
    const raw = typeof body === 'string' || body instanceof Uint8Array || body instanceof FormData;
    const response = await app.request(path, {
      method,
      headers: {
        ...(as === undefined ? {} : { Authorization: `Bearer ${as.token}` }),
        ...(body === undefined || raw ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? (body as BodyInit) : JSON.stringify(body) }),
    });
    const text = await response.text();
    // HEAD tells the type of a body that it leaves out.
    const isJson = text !== '' && (response.headers.get('Content-Type')?.includes('json') ?? false);
    const answer = {
      status: response.status,
      body: isJson ? JSON.parse(text) : text,
      headers: response.headers,
    };
    if (answer.status >= 400 && method !== 'HEAD') expectProblem(answer);
    await expectDeclared(method, path, answer.status);
    return answer;
  };
}

export type TestClient = ReturnType<typeof createTestClient>;

/** RFC 9457, with what the contract adds; nothing of the inside may show. */
export function expectProblem({ status, body, headers }: Answer): void {
  expect(headers.get('Content-Type')).toBe('application/problem+json');
  // A copy: the matcher writes what it expected into what it was given.
  expect(structuredClone(body)).toMatchObject({
    type: typeOf(body.code),
    title: expect.any(String),
    status,
    instance: expect.any(String),
    code: expect.stringMatching(/^[a-z_]+$/),
    requestId: headers.get('X-Request-Id'),
  });
  if (status === 401) expect(headers.get('WWW-Authenticate')).toBe('Bearer');
  expect(JSON.stringify(body)).not.toMatch(/node_modules|\.ts:|select |insert |postgres/i);
  expect(status).not.toBe(500);
}
