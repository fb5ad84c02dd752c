import { beforeAll, describe, expect, test } from 'bun:test';
import { parseEnv } from '@tertulia/shared/config/env';
import { createLog } from '@tertulia/shared/runtime/log';
import { createTestClient, type TestClient } from '@tertulia/shared/testing/client';
import { addressesOf, policyOf } from './addresses.ts';
import { createApp } from './app.ts';
import { openBundle } from './bundle.ts';
import { webEnv } from './env.ts';
import { PATHS } from './page/paths.ts';

const log = createLog('web', 'silent');
let app: ReturnType<typeof createApp>;
let call: TestClient;
beforeAll(async () => {
  app = createApp({ env: parseEnv(webEnv, {}), log, bundles: await openBundle('test') });
  call = createTestClient(app);
});

describe('the page', () => {
  test.each(Object.values(PATHS).map((path) => path.replace(':id', '0190')))(
    '200 at %s, under a policy that allows nothing inline',
    async (path) => {
      const { status, body, headers } = await call('GET', path);
      expect(status).toBe(200);
      expect(headers.get('Content-Type')).toStartWith('text/html');
      expect(headers.get('Cache-Control')).toBe('no-cache');
      const policy = headers.get('Content-Security-Policy') ?? '';
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("require-trusted-types-for 'script'");
      expect(policy).not.toContain('unsafe');
      expect(body).not.toMatch(/<script>|<style>| style=| on[a-z]+=/);
    },
  );

  test('its assets are immutable, and of the right type', async () => {
    const { body } = await call('GET', '/');
    const names = [...body.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, name]) => name);
    expect(names).toHaveLength(3);
    for (const name of names) {
      const { status, headers } = await call('GET', `/${name}`);
      expect(status).toBe(200);
      expect(headers.get('Cache-Control')).toContain('immutable');
      expect(headers.get('Content-Type')).toMatch(/^(text\/javascript|text\/css|image\/svg\+xml)/);
    }
  });

  test.each(['/nothing', '/media', '/media/1/2', '/index.html', '/..%2fpackage.json', '/src/main.ts'])(
    '404 for %s',
    async (path) => {
      expect((await call('GET', path)).status).toBe(404);
    },
  );

  test('it is a service like the others: health, and 405 with Allow', async () => {
    expect((await call('GET', '/health/live')).status).toBe(200);
    const { status, headers } = await call('POST', '/');
    expect([status, headers.get('Allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('GET /config.json', () => {
  test('the host by which the page was asked for, at the ports of the services', async () => {
    const answer = await app.request('http://127.0.0.1:8080/config.json');
    expect(await answer.json()).toEqual({
      auth: 'http://127.0.0.1:5900',
      media: 'http://127.0.0.1:5901',
      comments: 'http://127.0.0.1:5902',
      notifications: 'http://127.0.0.1:5903',
    });
  });

  test('what is set, wins', () => {
    const env = parseEnv(webEnv, { MEDIA_PUBLIC_URL: 'https://media.example.org/', COMMENTS_PORT: '7000' });
    const addresses = addressesOf(env, 'http://[::1]:8080/');
    expect(addresses).toMatchObject({ media: 'https://media.example.org', comments: 'http://[::1]:7000' });
  });

  test('a host that would write into the policy is not taken over', () => {
    const addresses = addressesOf(parseEnv(webEnv, {}), "http://x;script-src,*'/");
    expect(addresses.auth).toBe('http://localhost:5900');
    expect(policyOf(addresses)).not.toContain('x;');
  });

  test('bad settings are told by name', () => {
    expect(() => parseEnv(webEnv, { AUTH_PUBLIC_URL: 'javascript:1' })).toThrow('AUTH_PUBLIC_URL');
  });
});
