import { describe, expect, test } from 'bun:test';
import { createRoute, z } from '@hono/zod-openapi';
import { commonEnv } from '../config/common.ts';
import { parseEnv } from '../config/env.ts';
import { createLog } from '../runtime/log.ts';
import { createTestClient } from '../testing/client.ts';
import { createKernel, fetchOf } from './app.ts';
import { Problem } from './problem.ts';
import { json, jsonBody, problemResponses } from './router.ts';

type Options = { settings?: Record<string, string>; checks?: Record<string, () => Promise<unknown>> };

function kernel({ settings = {}, checks = {} }: Options = {}) {
  const env = parseEnv(commonEnv, { NODE_ENV: 'test', ...settings });
  const log = createLog('test', 'silent');
  const about = { service: 'test', title: 'Test', description: 'A test.' };
  const { app, metrics } = createKernel({ ...about, env, log, checks });
  app.openapi(
    createRoute({
      method: 'post',
      path: '/echo',
      request: { body: jsonBody(z.strictObject({ text: z.string().max(10) })) },
      responses: {
        200: json(z.object({ text: z.string() }), 'It.'),
        ...problemResponses('malformed_json', 'body_too_large', 'unsupported_media_type', 'invalid_fields'),
      },
    }),
    (c) => c.json(c.req.valid('json'), 200),
  );
  app.get('/boom', () => {
    throw Object.assign(new Error('select secret from users'), { stack: 'at /srv/app.ts:1' });
  });
  app.get('/down/:code', (c) => {
    throw new Error('wrapped', { cause: Object.assign(new Error('x'), { code: c.req.param('code') }) });
  });
  app.openapi(
    createRoute({
      method: 'get',
      path: '/liar',
      responses: { 200: { description: 'Nothing else, it says.' } },
    }),
    () => {
      throw new Problem('conflict');
    },
  );
  return { app, metrics, call: createTestClient(app) };
}

describe('errors', () => {
  test('a 500 tells nothing of its cause', async () => {
    const response = await kernel().app.request('/boom');
    expect(response.status).toBe(500);
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code: 'internal', status: 500, instance: '/boom' });
    expect(text).not.toMatch(/secret|srv|select/);
  });

  test.each([
    ['is away', 'ECONNREFUSED'],
    ['is too slow just now', '57014'],
  ])('a store that %s is a 503 with Retry-After', async (_, code) => {
    const { status, body, headers } = await kernel().call('GET', `/down/${code}`);
    expect([status, body.code, headers.get('Retry-After')]).toEqual([503, 'unavailable', '2']);
  });

  test('404 for what is not there, 405 with Allow for another method', async () => {
    const { call } = kernel();
    expect((await call('GET', '/nothing')).status).toBe(404);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status, headers } = await call(method, '/echo');
      expect([status, headers.get('Allow')]).toEqual([405, 'POST']);
    }
    for (const path of ['//echo', '/ECHO', '/echo/', '/echo;x', '/./echo%2f']) {
      expect((await call('POST', path, { body: { text: 'x' } })).status).toBe(404);
    }
  });

  test('bodies: 400, 413, 415, 422, each before anything happens', async () => {
    const { call } = kernel();
    const send = (body: string, headers: Record<string, string> = {}) =>
      call('POST', '/echo', { body, headers: { 'Content-Type': 'application/json', ...headers } });
    expect((await send('{"text":"ok"}')).status).toBe(200);
    expect((await send('{"text":')).body.code).toBe('malformed_json');
    expect((await send(`{"text":"${'x'.repeat(1024 * 1024)}"}`)).body.code).toBe('body_too_large');
    expect((await send('{}', { 'Content-Type': 'text/plain' })).status).toBe(415);
    expect((await send('{}', { 'Content-Type': 'application/json; charset=latin-1' })).status).toBe(415);
    expect((await send('{}', { 'Content-Encoding': 'gzip' })).status).toBe(415);
    const unknown = await send('{"text":"x","more":1,"__proto__":{}}');
    expect(unknown.body.errors.map(({ path }: { path: string }) => path).sort()).toEqual([
      '__proto__',
      'more',
    ]);
    expect((await send(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)).status).toBe(422);
  });

  test('the test client notices a status that the route does not declare', async () => {
    await expect(kernel().call('GET', '/liar')).rejects.toThrow();
  });
});

describe('every answer', () => {
  test('has a request id: the given one if it is one, else a new one', async () => {
    const { call } = kernel();
    const idFor = async (id: string) =>
      (await call('GET', '/nothing', { headers: { 'X-Request-Id': id } })).headers.get('X-Request-Id');
    expect(await idFor('abcdefgh-123')).toBe('abcdefgh-123');
    for (const bad of ['short', 'x'.repeat(65), 'has space', 'quote"quote']) {
      expect(await idFor(bad)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('has security headers, and tells nothing of the software', async () => {
    const { headers } = await kernel().call('GET', '/health/live');
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('Content-Security-Policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get('Referrer-Policy')).toBe('no-referrer');
    expect(headers.get('Strict-Transport-Security')).toContain('max-age=');
    expect(headers.get('Server') ?? headers.get('X-Powered-By')).toBeNull();
  });
});

describe('CORS', () => {
  const allowed = 'http://localhost:8080';
  const preflight = {
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'content-type',
  };

  test('allows the listed origins, with credentials, and says what may be read', async () => {
    const { call } = kernel();
    const asked = await call('OPTIONS', '/echo', { headers: { Origin: allowed, ...preflight } });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('Access-Control-Allow-Origin')).toBe(allowed);
    const { headers } = await call('POST', '/echo', { body: { text: 'x' }, headers: { Origin: allowed } });
    expect(headers.get('Access-Control-Allow-Origin')).toBe(allowed);
    expect(headers.get('Access-Control-Allow-Credentials')).toBe('true');
    for (const name of [
      'Location',
      'ETag',
      'Media-Id',
      'Upload-Offset',
      'Idempotency-Replayed',
      'X-Request-Id',
    ]) {
      expect(headers.get('Access-Control-Expose-Headers')).toContain(name);
    }
    expect(headers.get('Vary')).toContain('Origin');
  });

  test('says nothing to who comes from no page, but that it would: caches keep the answers apart', async () => {
    const { call } = kernel();
    for (const path of ['/health/live', '/nothing']) {
      const { headers } = await call('GET', path);
      expect(headers.get('Vary')).toContain('Origin');
      expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
      expect(headers.get('X-Request-Id')).not.toBeNull();
    }
  });

  test.each([
    'https://evil.example',
    'null',
    `${allowed}.evil.example`,
    'http://localhost:8081',
    'http://evil-localhost:8080',
  ])('answers %s without leave', async (origin) => {
    const { call } = kernel();
    for (const method of ['OPTIONS', 'GET']) {
      const { headers } = await call(method, '/health/live', { headers: { Origin: origin, ...preflight } });
      expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
      expect(headers.get('Vary')).toContain('Origin');
    }
  });
});

describe('operations', () => {
  test('health tells of every dependency, and 503 when one is down', async () => {
    const up = async () => {};
    const down = () => Promise.reject(new Error('password=secret'));
    const good = await kernel({ checks: { postgres: up } }).call('GET', '/health');
    expect([good.status, good.body.status, good.body.dependencies.postgres.status]).toEqual([
      200,
      'ok',
      'ok',
    ]);
    const { app } = kernel({ checks: { postgres: up, redis: down } });
    for (const path of ['/health', '/health/ready']) {
      const response = await app.request(path);
      const text = await response.text();
      expect([response.status, JSON.parse(text).dependencies.redis.status]).toEqual([503, 'down']);
      expect(text).not.toContain('secret');
    }
    expect((await app.request('/health/live')).status).toBe(200);
  });

  test('metrics are counted by route pattern, and want their token where there is one', async () => {
    const { call } = kernel({ settings: { METRICS_TOKEN: 'a-token-of-some-length' } });
    await call('POST', '/echo', { body: { text: 'x' } });
    expect((await call('GET', '/metrics')).status).toBe(401);
    expect((await call('GET', '/metrics', { headers: { Authorization: 'Bearer wrong' } })).status).toBe(401);
    const { body } = await call('GET', '/metrics', {
      headers: { Authorization: 'Bearer a-token-of-some-length' },
    });
    expect(body).toContain(
      'http_request_duration_seconds_count{service="test",method="POST",route="/echo",status="200"} 1',
    );
    expect(body).toContain('process_resident_memory_bytes');
  });

  test('OpenAPI 3.1 and Swagger UI, with nothing from elsewhere', async () => {
    const { call, app } = kernel();
    const { body } = await call('GET', '/openapi.json');
    expect(body).toMatchObject({ openapi: '3.1.0', info: { title: 'Test' } });
    expect(Object.keys(body.paths['/echo'].post.responses)).toEqual(['200', '400', '413', '415', '422']);
    const page = await (await app.request('/api/docs')).text();
    expect(page).not.toMatch(/https?:\/\//);
    for (const asset of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await app.request(asset[1] ?? '')).status).toBe(200);
    }
  });
});

describe('raw requests', () => {
  test('a Host that makes no URL is a 400, and the service lives', async () => {
    const server = Bun.serve({ port: 0, development: false, fetch: fetchOf(kernel().app) });
    const answers = await Promise.all(
      ['a b', '[::1', 'x:99999999', '%zz'].map((host) =>
        raw(server.port ?? 0, `GET /health/live HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
      ),
    );
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 (400|200)/);
    expect((await fetch(`http://127.0.0.1:${server.port}/health/live`)).status).toBe(200);
    await server.stop(true);
  });
});

/** What a server answers to these bytes. */
async function raw(port: number, bytes: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      open: (socket) => void socket.write(bytes),
      data: (_, data) => {
        text += data.toString();
      },
      close: () => resolve(text),
    },
  });
  return promise;
}
