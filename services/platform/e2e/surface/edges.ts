import { expect, test } from 'bun:test';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { createApp as createAuth } from '../../../auth/src/app.ts';
import { createTestApp as createTestAuth } from '../../../auth/src/test-app.ts';
import { createTestApp as createTestComments } from '../../../comments/src/test-app.ts';
import { createTestApp as createTestMedia } from '../../../media/src/test-app.ts';
import { createApp as createNotifications } from '../../../notifications/src/app.ts';
import { createTestApp as createTestNotifications } from '../../../notifications/src/test-app.ts';
import { SERVICES } from '../stack.ts';
import { SECRETS, serviceToken } from './people.ts';
import { rawRequest } from './raw.ts';
import type { World } from './world.ts';

const GUARDED = {
  auth: '/auth/profile',
  media: '/admin/dead-letters',
  comments: '/admin/dead-letters',
  notifications: '/notifications/unread-count',
} as const;

/** What goes without a document. */
const UNWRITTEN = new Set([
  'GET /openapi.json',
  'GET /api/docs',
  'GET /api/docs/{asset}',
  'GET /metrics',
  // Answers HEAD, and 405 to GET.
  'GET /media/uploads/{id}',
]);

/** What is true of every service, whatever its routes. */
export function describeEdges(world: () => World): void {
  test(
    'no service has a route that its document does not tell',
    async () => {
      const apps = await Promise.all([
        createTestAuth().then((it) => ({ ...it, app: createAuth(it.deps) })),
        createTestMedia(),
        createTestComments(),
        createTestNotifications().then((it) => ({ ...it, app: createNotifications(it.deps) })),
      ]);
      for (const { app, close } of apps) {
        const { paths } = app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: '', version: '' } });
        const told = new Set(
          Object.entries(paths ?? {}).flatMap(([path, operations]) =>
            Object.keys(operations as object).map((method) => `${method.toUpperCase()} ${path}`),
          ),
        );
        const held = app.routes
          .filter(({ method }) => method !== 'ALL')
          .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^}]+\})?/g, '{$1}')}`);
        expect(held.length).toBeGreaterThan(10);
        expect(held.filter((route) => !told.has(route) && !UNWRITTEN.has(route))).toEqual([]);
        await close();
      }
    },
    HANG_MS,
  );

  test.each([...SERVICES])(
    '%s: headers that keep browsers safe, and none that tells of the software',
    async (service) => {
      const url = world().stack.url(service);
      for (const path of ['/health/live', GUARDED[service], '/nowhere', '/api/docs']) {
        const { headers } = await fetch(`${url}${path}`);
        expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
        expect(headers.get('Content-Security-Policy')).toContain("frame-ancestors 'none'");
        expect(headers.get('Referrer-Policy')).toBe('no-referrer');
        expect(headers.get('Strict-Transport-Security')).toContain('max-age=');
        expect([headers.get('Server'), headers.get('X-Powered-By')]).toEqual([null, null]);
      }
    },
  );

  test.each([...SERVICES])('%s: a method that nobody knows does nothing', async (service) => {
    const { client, stack } = world();
    const headers = { Authorization: `Bearer ${world().staff.admin.token}` };
    for (const method of ['TRACE', 'TRACK', 'PROPFIND', 'BREW', 'get', 'CONNECT']) {
      const answer = await rawRequest(stack.url(service), { method, target: GUARDED[service], headers });
      // Bun ends a connection that brings a method of nobody's: 0.
      expect([0, 400, 404, 405, 501], method).toContain(answer.status);
      if (answer.status === 405) expect(answer.headers.get('Allow')).toContain('GET');
      if (answer.text !== '') client.inspect(`${service} ${method}`, method, { ...answer, code: undefined });
    }
    expect(client.takeFaults()).toEqual([]);
  });

  test.each([...SERVICES])('%s: metrics want their token, and no other', async (service) => {
    const { stack, staff } = world();
    const ask = async (token?: string) => {
      const headers = new Headers();
      if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
      return (await fetch(`${stack.url(service)}/metrics`, { headers })).status;
    };
    const tokens = [undefined, 'x', staff.admin.token, await serviceToken(stack)];
    expect(await Promise.all(tokens.map(ask))).toEqual([401, 401, 401, 401]);
    expect(await ask(SECRETS.METRICS_TOKEN)).toBe(200);
  });

  test.each([...SERVICES])('%s: takes no secret of another kind for an access token', async (service) => {
    const { owner, stack } = world();
    for (const token of [owner.refreshToken, await serviceToken(stack), ...Object.values(SECRETS)]) {
      const headers = { Authorization: `Bearer ${token}` };
      expect((await fetch(`${stack.url(service)}${GUARDED[service]}`, { headers })).status).toBe(401);
    }
    // Two fields of one name, which a client that knows the protocol would not send.
    const good = `Bearer ${world().staff.admin.token}`;
    const headers = { Authorization: `${good}\r\nAuthorization: ${good}` };
    const twice = { method: 'GET', target: GUARDED[service], headers };
    expect((await rawRequest(stack.url(service), twice)).status).toBe(401);
  });

  test.each([...SERVICES])('%s: tells pages of other origins nothing', async (service) => {
    const url = `${world().stack.url(service)}${GUARDED[service]}`;
    for (const Origin of [
      'https://evil.example',
      'null',
      'http://localhost:8080.evil.example',
      'http://evil-localhost:8080',
      'http://localhost:80801',
      'https://localhost:8080',
    ]) {
      const preflight = { Origin, 'Access-Control-Request-Method': 'GET', Vary: 'X-Mine' };
      for (const [method, headers] of [
        ['OPTIONS', preflight],
        ['GET', { Origin, Vary: 'X-Mine' }],
      ] as const) {
        const answer = await fetch(url, { method, headers });
        expect([Origin, answer.headers.get('Access-Control-Allow-Origin')]).toEqual([Origin, null]);
        expect(answer.headers.get('Vary') ?? '').not.toContain('X-Mine');
      }
    }
    const ours = await fetch(url, { headers: { Origin: 'http://localhost:8080' } });
    expect(ours.headers.get('Access-Control-Allow-Origin')).toBe('http://localhost:8080');
    expect(ours.headers.get('Vary')).toContain('Origin');
  });
}
