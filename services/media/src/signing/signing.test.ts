import { afterAll, afterEach, beforeAll, describe, expect, setSystemTime, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq, sql } from 'drizzle-orm';
import { media as mediaTable, urlKeys } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png, sha256 } from '../testing/fixtures.ts';
import { tusClient } from '../testing/tus.ts';
import { createUrlKeys } from './url-keys.ts';

const file = png(1000);
const HOUR_MS = 3_600_000;
let media: TestApp;
let ana: TestUser;
let ben: TestUser;
let moderator: TestUser;
let admin: TestUser;
beforeAll(async () => {
  media = await createTestApp();
  [ana, ben, moderator, admin] = await Promise.all([
    media.user(),
    media.user(),
    media.user('MODERATOR'),
    media.user('ADMIN'),
  ]);
});
afterAll(() => media.close());
afterEach(() => void setSystemTime());

const add = (visibility = 'private') => tusClient(media, ana).upload(file, { visibility });

async function sign(id: string, as?: TestUser, body?: unknown) {
  const answer = await media.call('POST', `/media/${id}/sign`, {
    ...(as === undefined ? {} : { as }),
    ...(body === undefined ? {} : { body }),
  });
  return { ...answer, path: answer.status === 200 ? new URL(answer.body.url).pathname : '' };
}

const statusOf = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  (await media.call(method, path, { headers })).status;

const change = (id: string, body: unknown) => media.call('PATCH', `/media/${id}`, { as: ana, body });

describe('POST /media/{id}/sign', () => {
  test('200: whoever has the URL gets the content without a token, kept by no cache', async () => {
    const { body, path, headers } = await sign(await add(), ana);
    expect(body.url).toMatch(/^http:\/\/localhost\/media\/signed\/[\w-]{60}\/content$/);
    expect(headers.get('Cache-Control')).toBe('no-store');
    const answer = await media.app.request(path);
    expect(sha256(await answer.bytes())).toBe(sha256(file));
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'cache-control': 'private, no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      etag: `"${sha256(file)}"`,
    });
    expect(await statusOf(path, { Range: 'bytes=0-9' })).toBe(206);
    expect(await statusOf(path, { 'If-None-Match': `"${sha256(file)}"` })).toBe(304);
    expect(await statusOf(path, {}, 'HEAD')).toBe(200);
    expect(await statusOf(path, { Authorization: 'Bearer a.b.c' })).toBe(200);
  });

  test('an hour by default, a minute to a week', async () => {
    const id = await add();
    for (const [body, seconds] of [
      [undefined, 3600],
      [{}, 3600],
      [{ expiresIn: 60 }, 60],
      [{ expiresIn: 604_800 }, 604_800],
    ] as const) {
      const now = Date.now();
      const { body: signed } = await sign(id, ana, body);
      const left = Date.parse(signed.expiresAt) - now;
      expect(left).toBeGreaterThan(seconds * 1000 - 2000);
      expect(left).toBeLessThanOrEqual(seconds * 1000);
    }
    for (const expiresIn of [0, 59, 604_801, -1, 1.5, '3600', null, 1e300]) {
      expect([expiresIn, (await sign(id, ana, { expiresIn })).status]).toEqual([expiresIn, 422]);
    }
    expect((await sign(id, ana, { for: 1 })).status).toBe(422);
  });

  test('404 to who may not see it, 401 for a bad token', async () => {
    const id = await add();
    expect((await sign(id)).status).toBe(404);
    expect((await sign(id, ben)).status).toBe(404);
    expect((await sign(Bun.randomUUIDv7(), ana)).status).toBe(404);
    const bad = { headers: { Authorization: 'Bearer a.b.c' } };
    expect((await media.call('POST', `/media/${id}/sign`, bad)).status).toBe(401);
    expect((await sign(await add('public'))).status).toBe(200);
  });

  test('the setting is where clients go; without one, where the request went, whatever its Host says', async () => {
    const id = await add('public');
    const misled = await media.app.request(`/media/${id}/sign`, {
      method: 'POST',
      headers: { Host: 'evil.example', 'X-Forwarded-Host': 'evil.example' },
    });
    const { url } = (await misled.json()) as { url: string };
    expect(new URL(url).host).not.toBe('evil.example');
    expect(misled.headers.get('Cache-Control')).toBe('no-store');
    const fixed = await createTestApp({ MEDIA_PUBLIC_URL: 'https://cdn.example.org/m/' });
    const owner = await fixed.user();
    const own = await tusClient(fixed, owner).upload(file);
    const { body } = await fixed.call('POST', `/media/${own}/sign`, { as: owner });
    expect(body.url).toMatch(/^https:\/\/cdn\.example\.org\/m\/media\/signed\/[\w-]{60}\/content$/);
    await fixed.close();
  });
});

describe('GET /media/signed/{token}/content', () => {
  test('404 for every token with one character changed, cut, or longer', async () => {
    const { path } = await sign(await add(), ana);
    const token = path.split('/')[3] ?? '';
    const other = (character = '') => (character === 'A' ? 'B' : 'A');
    const flipped = [...token].map((_, at) => token.slice(0, at) + other(token[at]) + token.slice(at + 1));
    const forms = [token.slice(1), token.slice(0, -1), `${token}A`, `${token}=`, `${token}%00`, '%2e%2e'];
    for (const forged of [...flipped, ...forms, token.toLowerCase(), 'x'.repeat(4000)]) {
      expect([forged, await statusOf(`/media/signed/${forged}/content`)]).toEqual([forged, 404]);
    }
    expect(await statusOf(path)).toBe(200);
  });

  test('404 once it has run out, for every way to ask', async () => {
    const { path } = await sign(await add(), ana, { expiresIn: 60 });
    setSystemTime(new Date(Date.now() + 59_000));
    expect(await statusOf(path)).toBe(200);
    setSystemTime(new Date(Date.now() + 2_000));
    expect(await statusOf(path)).toBe(404);
    expect(await statusOf(path, { Range: 'bytes=0-0' })).toBe(404);
    expect(await statusOf(path, { 'If-None-Match': '*' })).toBe(404);
    expect(await statusOf(path, {}, 'HEAD')).toBe(404);
  });

  test('what anybody may see is kept by browsers, and no longer than the link is good for', async () => {
    const { path } = await sign(await add('public'), undefined, { expiresIn: 60 });
    const freshness = async () => (await media.app.request(path)).headers.get('Cache-Control');
    expect(await freshness()).toMatch(/^private, max-age=(60|59)$/);
    setSystemTime(new Date(Date.now() + 50_000));
    expect(await freshness()).toMatch(/^private, max-age=(10|9)$/);
  });

  test('made private: a stranger’s link ends, the owner’s goes on', async () => {
    const id = await add('public');
    const [own, strangers, nobodys] = [await sign(id, ana), await sign(id, ben), await sign(id)];
    for (const { path } of [own, strangers, nobodys]) expect(await statusOf(path)).toBe(200);
    await change(id, { visibility: 'private' });
    expect(await statusOf(own.path)).toBe(200);
    for (const { path } of [strangers, nobodys]) {
      expect(await statusOf(path)).toBe(404);
      expect(await statusOf(path, { 'If-None-Match': `"${sha256(file)}"` })).toBe(404);
      expect(await statusOf(path, { Range: 'bytes=0-0' })).toBe(404);
    }
  });

  test('a moderator’s link opens a private one, for an hour at most', async () => {
    const { path, body } = await sign(await add(), moderator, { expiresIn: 86_400 });
    expect(await statusOf(path)).toBe(200);
    expect(Date.parse(body.expiresAt)).toBeLessThanOrEqual(Date.now() + HOUR_MS);
  });

  test('hidden: every link ends, and none is signed until it is shown again', async () => {
    const id = await add('public');
    const links = [await sign(id, ana), await sign(id, ben)];
    const hide = (hiddenAt: Date | null) =>
      media.database.db.update(mediaTable).set({ hiddenAt }).where(eq(mediaTable.id, id));
    await hide(new Date());
    for (const { path } of links) expect(await statusOf(path)).toBe(404);
    expect((await sign(id, ana)).status).toBe(409);
    expect((await sign(id, moderator)).status).toBe(409);
    expect((await sign(id, ben)).status).toBe(404);
    await hide(null);
    for (const { path } of links) expect(await statusOf(path)).toBe(200);
  });

  test('deleted: every link ends', async () => {
    const id = await add('public');
    const links = [await sign(id, ana), await sign(id, ben)];
    expect((await media.call('DELETE', `/media/${id}`, { as: ana })).status).toBe(204);
    for (const { path } of links) expect(await statusOf(path)).toBe(404);
    expect((await sign(id, ana)).status).toBe(404);
  });
});

describe('keys', () => {
  const rotate = (body?: unknown, headers: Record<string, string> = {}) =>
    media.call('POST', '/media/url-keys/rotate', {
      as: admin,
      headers,
      ...(body === undefined ? {} : { body }),
    });
  const keys = () => media.database.db.select().from(urlKeys);
  const age = (days: number) =>
    media.database.db
      .update(urlKeys)
      .set({ createdAt: sql`${urlKeys.createdAt} - make_interval(days => ${days})` });

  test('twenty first links at once make one key, whose secret is in no answer', async () => {
    await media.database.db.delete(urlKeys);
    const id = await add();
    const signed = await Promise.all(Array.from({ length: 20 }, () => sign(id, ana)));
    const [key, ...more] = await keys();
    expect(more).toEqual([]);
    expect(JSON.stringify(signed.map(({ body }) => body))).not.toContain(key?.secret ?? '');
    for (const { path } of signed) expect(await statusOf(path)).toBe(200);
  });

  test('a rotated key signs; the older one opens until what it signed has run out', async () => {
    const id = await add();
    const before = await sign(id, ana, { expiresIn: 604_800 });
    const { status, body } = await rotate();
    expect(status).toBe(201);
    expect(Object.keys(body).sort()).toEqual(['createdAt', 'id', 'removed']);
    const after = await sign(id, ana);
    expect(Buffer.from(after.path.split('/')[3] ?? '', 'base64url').toString('hex', 1, 9)).toBe(body.id);
    for (const { path } of [before, after]) expect(await statusOf(path)).toBe(200);
    await age(6);
    await rotate();
    expect(await statusOf(before.path)).toBe(200);
    await age(2);
    await rotate();
    // Its successor is a week old: by now all that it signed is over, and so is it.
    expect(await statusOf(before.path)).toBe(404);
  });

  test('revoking ends every link at once, in a process that knew the key too', async () => {
    const id = await add();
    const { path } = await sign(id, ana);
    expect(await statusOf(path)).toBe(200);
    const other = createUrlKeys(media.database.db, 30);
    await other.sign({ mediaId: id, signer: 'owner', expiresAt: Date.now() / 1000 + 60 });
    expect((await rotate({ revoke: true })).body.removed).toBeGreaterThan(0);
    expect(await keys()).toHaveLength(1);
    expect(await statusOf(path)).toBe(404);
    // And who has not heard of it signs with what is good now.
    const token = await other.sign({
      mediaId: id,
      signer: 'owner',
      expiresAt: Math.ceil(Date.now() / 1000) + 60,
    });
    expect(await statusOf(`/media/signed/${token}/content`)).toBe(200);
  });

  test('a key that has grown old is followed by another', async () => {
    const id = await add();
    await sign(id, ana);
    const before = await keys();
    await age(29);
    await sign(id, ana);
    expect(await keys()).toHaveLength(before.length);
    await age(2);
    const { path } = await sign(id, ana);
    const known = new Set(before.map((key) => key.id));
    expect((await keys()).filter((key) => !known.has(key.id))).toHaveLength(1);
    expect(await statusOf(path)).toBe(200);
  });

  test('one key for a repeated call; 409 beyond a hundred', async () => {
    await rotate({ revoke: true });
    const headers = { 'Idempotency-Key': Bun.randomUUIDv7() };
    const [first, second] = [await rotate({}, headers), await rotate({}, headers)];
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('Idempotency-Replayed')).toBe('true');
    expect((await rotate({ revoke: true }, headers)).status).toBe(422);
    const many = Array.from({ length: 98 }, (_, n) => ({ id: `${n}`, secret: 'x' }));
    await media.database.db.insert(urlKeys).values(many);
    expect((await rotate()).status).toBe(409);
    expect((await rotate({ revoke: true })).body.removed).toBe(100);
  });

  test('an administrator’s alone', async () => {
    const call = (as?: TestUser) =>
      media.call('POST', '/media/url-keys/rotate', as === undefined ? {} : { as });
    expect((await call()).status).toBe(401);
    for (const as of [ana, moderator]) expect((await call(as)).status).toBe(403);
    expect((await rotate({ revoke: 'yes' })).status).toBe(422);
  });
});
