import { expect, test } from 'bun:test';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { sql } from 'drizzle-orm';
import { startAuthProcess } from './testing/auth-process.ts';
import { openMailbox, tokenIn } from './testing/mailbox.ts';

const SECRETS = {
  AUTH_SECRET: 'Canary-Jt5Zq8w2Lx7Vb3Nc9Kd4Hf6GPm1R',
  SERVICE_SECRET: 'Canary-Rm2Yp7s9Qa4Te8Wu3Io5Xz1CLv9M',
  METRICS_TOKEN: 'Canary-Bn6Gv3Fh8Dk2Sj9L',
};
const EMAIL = 'canary@example.org';
const [first, second, third, wrong] = [
  'Canary-first-Zx81',
  'Canary-second-Qw72',
  'Canary-third-Er63',
  'Canary-wrong-Ty54',
];

/** Would end a line, and start another, in a log that believes it. Fields of HTTP cannot carry a bare CR LF. */
const FORGED = '\r\n{"level":"info","msg":"forged"}';

test(
  'no secret reaches a log, a metric or an error, whatever happens; one entry is one line',
  async () => {
    const mailbox = await openMailbox();
    const auth = await startAuthProcess({
      ...SECRETS,
      NODE_ENV: 'production',
      LOG_LEVEL: 'trace',
      SMTP_URL: mailbox.url,
    });
    const seen = new Set([...Object.values(SECRETS), first, second, third, wrong]);
    seen.add(new URL(auth.database.url).password);
    const errors: string[] = [];

    async function call(method: string, path: string, body: unknown, token?: string) {
      const response = await fetch(`${auth.url}${path}`, {
        method,
        headers: {
          'User-Agent': encodeURI(FORGED),
          'Content-Type': 'application/json',
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      const text = await response.text();
      if (response.status >= 400) errors.push(text);
      for (const cookie of response.headers.getSetCookie()) seen.add(cookie.split(/[=;]/)[1] ?? '');
      const answer = text.startsWith('{') ? JSON.parse(text) : {};
      for (const given of [answer.accessToken, answer.refreshToken]) if (given !== undefined) seen.add(given);
      return { status: response.status, ...answer };
    }

    /** The token in the newest mail of that subject. */
    async function mailed(subject: RegExp, to = EMAIL): Promise<string> {
      const token = tokenIn(await mailbox.wait(to, subject));
      seen.add(token);
      return token;
    }

    const login = (password: unknown, email = EMAIL) => call('POST', '/auth/login', { email, password });
    const person = { username: 'canary', email: EMAIL, password: first };
    expect(await call('POST', '/auth/register', { ...person, username: `a${FORGED}` })).toMatchObject({
      status: 422,
    });
    const registered = await call('POST', '/auth/register', person);
    expect(registered.status).toBe(201);
    expect((await login(wrong)).status).toBe(401);
    expect((await login([first])).status).toBe(422);
    expect((await call('POST', '/auth/login', `{"email":"${EMAIL}","password":"${first}"`)).status).toBe(400);
    expect(
      (await call('POST', `/auth/login?password=${first}`, { email: EMAIL, password: first })).status,
    ).toBe(200);
    const verification = await mailed(/Confirm your e-mail/);
    expect((await call('POST', '/auth/email/verify', { token: verification })).status).toBe(204);
    const change = (currentPassword: unknown, newPassword: unknown) =>
      call('PUT', '/auth/password', { currentPassword, newPassword }, registered.accessToken);
    expect((await change(wrong, second)).status).toBe(401);
    expect((await change(first, second)).status).toBe(204);
    expect((await call('POST', '/auth/refresh', { refreshToken: registered.refreshToken })).status).toBe(200);
    expect((await call('POST', '/auth/password/forgot', { email: EMAIL })).status).toBe(202);
    const token = await mailed(/new password/);
    const reset = (password: unknown) => call('POST', '/auth/password/reset', { token, password });
    expect((await reset('password1')).status).toBe(422);
    expect((await reset(third)).status).toBe(204);
    expect((await reset(third)).status).toBe(400);
    const again = await login(third);
    const moved = { email: 'moved@example.org', password: third };
    expect((await call('POST', '/auth/email/change', moved, again.accessToken)).status).toBe(202);
    const confirmation = await mailed(/new e-mail/, moved.email);
    expect((await call('POST', '/auth/email/verify', { token: confirmation })).status).toBe(204);

    // A database that fails in the middle: its errors carry statements and parameters.
    for (const table of ['known_devices', 'one_time_tokens', 'mails', 'refresh_tokens']) {
      await auth.database.db.execute(sql.raw(`alter table ${table} rename to ${table}_gone`));
    }
    expect((await login(third, moved.email)).status).toBe(500);
    expect(
      (await call('POST', '/auth/register', { ...person, username: 'b2', email: 'b@example.org' })).status,
    ).toBe(500);
    expect((await reset(second)).status).toBe(500);
    expect((await call('POST', '/auth/password/forgot', { email: moved.email })).status).toBe(500);
    expect((await call('POST', '/auth/refresh', { refreshToken: again.refreshToken })).status).toBe(500);

    const bearer = { Authorization: `Bearer ${SECRETS.METRICS_TOKEN}` };
    const metrics = await (await fetch(`${auth.url}/metrics`, { headers: bearer })).text();
    expect(metrics).toContain('http_request_duration_seconds');
    const log = await auth.stop();
    await mailbox.close();

    // Seven that were given, and what was handed out: access and refresh tokens, cookies, links.
    expect(seen.size).toBeGreaterThan(16);
    for (const secret of seen) {
      expect(secret.length).toBeGreaterThanOrEqual(8);
      for (const [place, text] of Object.entries({ log, metrics, errors: errors.join('\n') })) {
        expect(text.includes(secret), `${place} tells ${secret}`).toBe(false);
      }
    }
    const entries = log.split('\n').filter((line) => line !== '');
    expect(entries.length).toBeGreaterThan(20);
    for (const entry of entries)
      expect(JSON.parse(entry)).toMatchObject({ service: 'auth', time: expect.any(String) });
    expect(entries.filter((entry) => JSON.parse(entry).msg === 'forged')).toHaveLength(0);
  },
  HANG_MS,
);
