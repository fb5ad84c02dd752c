import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createTestApp } from '../test-app.ts';

let auth: Awaited<ReturnType<typeof createTestApp>>;
beforeAll(async () => {
  auth = await createTestApp({ CORS_ORIGINS: 'https://app.example' });
});
afterAll(() => auth.close());

const ORIGIN = 'https://app.example';
const byCookie = { 'X-Refresh-Cookie': '1', Origin: ORIGIN };

/** The refresh cookie that an answer sets; undefined when it sets none. */
function cookieOf(headers: Headers): { value: string; attributes: string[] } | undefined {
  const line = headers.getSetCookie().find((cookie) => cookie.startsWith('__Host-refresh='));
  if (line === undefined) return undefined;
  const [pair = '', ...attributes] = line.split('; ');
  return { value: pair.slice('__Host-refresh='.length), attributes };
}

let count = 0;
async function register(headers: Record<string, string> = byCookie) {
  const name = `cookie${++count}`;
  const body = { username: name, email: `${name}@example.org`, password: 'correct horse battery' };
  const answer = await auth.call('POST', '/auth/register', { body, headers });
  return { ...answer, credentials: { email: body.email, password: body.password } };
}

const send = (path: string, cookie: string, headers: Record<string, string> = byCookie) =>
  auth.call('POST', path, { headers: { ...headers, Cookie: `__Host-refresh=${cookie}` } });

describe('X-Refresh-Cookie: 1', () => {
  test('register, login and refresh set the cookie, out of scripts’ reach, and never the body', async () => {
    const registered = await register();
    expect(registered.status).toBe(201);
    const login = await auth.call('POST', '/auth/login', { body: registered.credentials, headers: byCookie });
    const refreshed = await send('/auth/refresh', cookieOf(login.headers)?.value ?? '');
    expect([login.status, refreshed.status]).toEqual([200, 200]);
    const values = [registered, login, refreshed].map(({ headers, body }) => {
      const cookie = cookieOf(headers);
      expect(cookie?.attributes.sort()).toEqual([
        'HttpOnly',
        expect.stringMatching(/^Max-Age=\d+$/),
        'Path=/',
        'SameSite=Strict',
        'Secure',
      ]);
      expect(headers.get('Cache-Control')).toBe('no-store');
      expect(body).not.toHaveProperty('refreshToken');
      expect(body.accessToken).toBeString();
      expect(JSON.stringify(body)).not.toContain(cookie?.value ?? 'a cookie');
      return cookie?.value;
    });
    expect(new Set(values).size).toBe(3);
  });

  test('the cookie’s token rotates like any other: reuse ends the session', async () => {
    const first = cookieOf((await register()).headers)?.value ?? '';
    const second = cookieOf((await send('/auth/refresh', first)).headers)?.value ?? '';
    const third = cookieOf((await send('/auth/refresh', second)).headers)?.value ?? '';
    const replay = await send('/auth/refresh', first);
    expect([replay.status, replay.body.code]).toEqual([401, 'invalid_refresh_token']);
    expect(replay.headers.getSetCookie()).toEqual([]);
    expect((await send('/auth/refresh', third)).status).toBe(401);
  });

  test('without the header nothing of the cookie is used, and the body is wanted', async () => {
    const { headers } = await register();
    const answer = await send('/auth/refresh', cookieOf(headers)?.value ?? '', { Origin: ORIGIN });
    expect(answer.status).toBeOneOf([400, 415, 422]);
    const plain = await register({ Origin: ORIGIN });
    expect(plain.body.refreshToken).toBeString();
    expect(cookieOf(plain.headers)).toBeUndefined();
  });

  test('401 without a cookie, or with nonsense in it', async () => {
    const none = await auth.call('POST', '/auth/refresh', { headers: byCookie });
    expect([none.status, none.body.code]).toEqual([401, 'invalid_refresh_token']);
    for (const cookie of ['nonsense', 'x'.repeat(5000), '%00', '%E0%A4%A']) {
      expect((await send('/auth/refresh', cookie)).status).toBe(401);
    }
  });

  test('logout ends the session of the cookie, with no access token, and takes the cookie away', async () => {
    const { headers } = await register();
    const cookie = cookieOf(headers)?.value ?? '';
    const out = await send('/auth/logout', cookie);
    expect(out.status).toBe(204);
    expect(cookieOf(out.headers)).toEqual({ value: '', attributes: expect.arrayContaining(['Max-Age=0']) });
    expect((await send('/auth/refresh', cookie)).status).toBe(401);
    expect((await send('/auth/logout', cookie)).status).toBe(204);
  });
});

describe('pages that are not ours', () => {
  const FOREIGN = [
    ['evil', 'https://evil.example'],
    ['null', 'null'],
    ['none', undefined],
    ['a longer name', 'https://app.example.evil.tld'],
    ['a shorter name', 'https://app.exampl'],
    ['another scheme', 'http://app.example'],
    ['another port', 'https://app.example:8443'],
    ['other letters', 'https://APP.example'],
  ] as const;
  const TYPES = ['application/json', 'text/plain', 'TEXT/PLAIN', undefined] as const;
  const PATHS = ['/auth/register', '/auth/login', '/auth/refresh', '/auth/logout'] as const;

  test.each(FOREIGN)('403 and no cookie for the origin %s, whatever the content type', async (_, origin) => {
    const { headers, credentials } = await register();
    const cookie = cookieOf(headers)?.value ?? '';
    for (const path of PATHS) {
      for (const type of TYPES) {
        for (const given of ['1', '0', undefined]) {
          const takesCookie = path === '/auth/refresh' || path === '/auth/logout';
          // Without the header, a sign-in has nothing to do with the cookie.
          if (given === undefined && !takesCookie) continue;
          const answer = await auth.call('POST', path, {
            body: JSON.stringify(credentials),
            headers: {
              Cookie: `__Host-refresh=${cookie}`,
              ...(origin === undefined ? {} : { Origin: origin }),
              ...(type === undefined ? {} : { 'Content-Type': type }),
              ...(given === undefined ? {} : { 'X-Refresh-Cookie': given }),
            },
          });
          expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'origin_not_allowed']);
          expect(answer.headers.getSetCookie()).toEqual([]);
          const allowed = answer.headers.get('Access-Control-Allow-Origin');
          expect([null, '']).toContain(allowed);
        }
      }
    }
    expect((await send('/auth/refresh', cookie)).status).toBe(200);
  });

  test('no spelling of the path slips past', async () => {
    const { headers } = await register();
    const cookie = cookieOf(headers)?.value ?? '';
    for (const path of [
      '//auth/refresh',
      '/auth//refresh',
      '/auth/refresh/',
      '/AUTH/refresh',
      '/auth/%72efresh',
    ]) {
      const { status, headers: got } = await auth.call('POST', path, {
        headers: { ...byCookie, Origin: 'https://evil.example', Cookie: `__Host-refresh=${cookie}` },
      });
      expect([path, status]).toEqual([path, 403]);
      expect(got.getSetCookie()).toEqual([]);
    }
  });

  test.each(FOREIGN)('CORS tells %s nothing, neither in a preflight nor in an answer', async (_, origin) => {
    if (origin === undefined) return;
    const user = await auth.signUp();
    const preflight = await auth.app.request('/auth/refresh', {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'x-refresh-cookie',
        Vary: 'X-Theirs',
      },
    });
    const answer = await auth.call('GET', '/auth/profile', {
      as: user,
      headers: { Origin: origin, Vary: 'X-Theirs' },
    });
    for (const { headers } of [preflight, answer]) {
      expect([null, '']).toContain(headers.get('Access-Control-Allow-Origin'));
      expect(headers.get('Vary')).toContain('Origin');
      expect(headers.get('Vary')).not.toContain('X-Theirs');
    }
  });

  test('our own may send credentials, and the header of the cookie', async () => {
    const preflight = await auth.app.request('/auth/refresh', {
      method: 'OPTIONS',
      headers: {
        Origin: ORIGIN,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'x-refresh-cookie',
      },
    });
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
    expect(preflight.headers.get('Access-Control-Allow-Credentials')).toBe('true');
    expect(preflight.headers.get('Access-Control-Allow-Headers')?.toLowerCase()).toContain(
      'x-refresh-cookie',
    );
  });
});
