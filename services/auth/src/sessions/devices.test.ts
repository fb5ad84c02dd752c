import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { outbox } from '@tertulia/shared/events/tables';
import { desc, eq } from 'drizzle-orm';
import { knownDevices } from '../db/schema.ts';
import { createTestApp } from '../test-app.ts';
import { MAX_DEVICES } from './devices.ts';

let auth: Awaited<ReturnType<typeof createTestApp>>;
beforeAll(async () => {
  auth = await createTestApp();
});
afterAll(() => auth.close());

const ORIGIN = { Origin: 'http://localhost:8080' };
type Person = { email: string; password: string };
const login = ({ email, password }: Person, headers: Record<string, string> = {}) =>
  auth.call('POST', '/auth/login', { body: { email, password }, headers });

const cookieIn = (headers: Headers) =>
  headers.getSetCookie().find((cookie) => cookie.startsWith('__Host-device=')) ?? '';
const pairOf = (cookie: string) => cookie.split(';')[0] ?? '';

/** Whether the newest session of a user was told of as one from a new device. */
async function newDevice(userId: string): Promise<boolean | undefined> {
  const rows = await auth.database.db
    .select()
    .from(outbox)
    .where(eq(outbox.subject, `user:${userId}`))
    .orderBy(desc(outbox.id));
  return rows.map(({ envelope }) => JSON.parse(envelope)).find(({ type }) => type === 'session.started')?.data
    .newDevice;
}

describe('a device', () => {
  test('gets a cookie that scripts cannot read and other sites cannot send', async () => {
    const user = await auth.signUp();
    const { headers } = await login(user, ORIGIN);
    const attributes = cookieIn(headers).split('; ').slice(1).sort();
    expect(attributes).toEqual(['HttpOnly', 'Max-Age=31536000', 'Path=/', 'SameSite=Strict', 'Secure']);
    expect(headers.get('Access-Control-Allow-Credentials')).toBe('true');
    expect(headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN.Origin);
  });

  test('that is no browser gets the token as a header; a page never does', async () => {
    const user = await auth.signUp();
    const native = (await login(user)).headers;
    expect(pairOf(cookieIn(native))).toBe(`__Host-device=${native.get('X-Device-Token')}`);
    expect((await login(user, ORIGIN)).headers.get('X-Device-Token')).toBeNull();
  });

  test('is new the first time, and known when it comes back, by cookie or by header', async () => {
    const user = await auth.signUp();
    expect(await newDevice(user.id)).toBe(false);
    const { headers } = await login(user);
    expect(await newDevice(user.id)).toBe(true);
    const token = headers.get('X-Device-Token') ?? '';
    const ways: Record<string, string>[] = [
      { Cookie: pairOf(cookieIn(headers)) },
      { 'X-Device-Token': token },
    ];
    for (const known of ways) {
      const again = await login(user, known);
      expect(again.headers.get('X-Device-Token')).toBe(token);
      expect(await newDevice(user.id)).toBe(false);
    }
  });

  test('the one that registers is no news, and known from then on', async () => {
    const body = { username: 'devices', email: 'devices@example.org', password: 'correct horse battery' };
    const { body: answer, headers } = await auth.call('POST', '/auth/register', { body });
    await login(body, { Cookie: pairOf(cookieIn(headers)) });
    expect(await newDevice(answer.user.id)).toBe(false);
  });

  test('keeps its token when somebody else signs in there, and is new to them', async () => {
    const [ana, berta] = [await auth.signUp(), await auth.signUp()];
    const device = { Cookie: pairOf(cookieIn((await login(ana)).headers)) };
    const { headers } = await login(berta, device);
    expect(pairOf(cookieIn(headers))).toBe(device.Cookie);
    expect(await newDevice(berta.id)).toBe(true);
    await login(ana, device);
    expect(await newDevice(ana.id)).toBe(false);
  });

  test('with nonsense for a token gets a proper one', async () => {
    const user = await auth.signUp();
    for (const token of ['', 'short', 'x'.repeat(5000), "' or 1=1 --", `${'x'.repeat(42)}%`]) {
      const { status, headers } = await login(user, { 'X-Device-Token': token });
      expect(status).toBe(200);
      expect(headers.get('X-Device-Token')).toMatch(/^[\w-]{43}$/);
      expect(headers.get('X-Device-Token')).not.toBe(token);
    }
  });

  test('is kept as a hash, and the one unused for longest is forgotten', async () => {
    const user = await auth.signUp();
    const oldest = (await login(user)).headers.get('X-Device-Token') ?? '';
    const own = eq(knownDevices.userId, user.id);
    const { db } = auth.database;
    await db
      .update(knownDevices)
      .set({ lastUsedAt: new Date(0) })
      .where(own);
    for (let n = 0; n < MAX_DEVICES; n++) await login(user);
    const rows = await db.select().from(knownDevices).where(own);
    expect(rows).toHaveLength(MAX_DEVICES);
    expect(JSON.stringify(rows)).not.toContain(oldest);
    await login(user, { 'X-Device-Token': oldest });
    expect(await newDevice(user.id)).toBe(true);
  });
});
