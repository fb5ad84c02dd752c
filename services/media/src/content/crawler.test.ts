import { afterAll, afterEach, beforeAll, describe, expect, setSystemTime, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { eq } from 'drizzle-orm';
import { media as mediaTable } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { crawl, urlsIn } from '../testing/crawler.ts';
import { pattern, png, sha256 } from '../testing/fixtures.ts';
import { bearer } from '../testing/over-socket.ts';
import { addRendition } from '../testing/renditions.ts';
import { tusClient } from '../testing/tus.ts';

const file = png(3000);
const etag = `"${sha256(file)}"`;
/** Ways to ask that may be answered without the whole, or without any byte. */
const WAYS: [method: string, headers: Record<string, string>][] = [
  ['GET', {}],
  ['HEAD', {}],
  ['GET', { Range: 'bytes=0-0' }],
  ['GET', { Range: 'bytes=-1', 'If-Range': etag }],
  ['GET', { Range: 'bytes=9999999-' }],
  ['GET', { 'If-None-Match': etag }],
  ['GET', { 'If-None-Match': '*' }],
];

let media: TestApp;
let ana: TestUser;
let outsider: TestUser;
let id: string;
/** Every address that its owner was ever given for it. */
let given: string[];
/** Signed ones: they open without a token, that is what they are for. */
let signed: string[];
beforeAll(async () => {
  media = await createTestApp();
  [ana, outsider] = await Promise.all([media.user(), media.user()]);
  const tus = tusClient(media, ana);
  const upload = await tus.start(file.length, { 'Upload-Metadata': `visibility ${btoa('private')}` });
  id = (await tus.patch(upload, 0, file)).headers.get('Media-Id') ?? '';
  for (const name of ['thumbnail-320.webp', 'hls/master.m3u8', 'hls/segment-1.m4s']) {
    await addRendition(media, id, name, pattern(500));
  }
  for (const visibility of ['public', 'private']) {
    const album = await media.call('POST', '/albums', { as: ana, body: { title: 'All', visibility } });
    await media.call('PUT', `/albums/${album.body.id}/items/${id}`, { as: ana, body: {} });
  }
  const { body } = await media.call('POST', `/media/${id}/sign`, { as: ana, body: { expiresIn: 60 } });
  const link = new URL(body.url).pathname;
  const lists = ['/media?owner=me', '/media?owner=me&limit=1', '/albums?owner=me'];
  const seeds = [upload, `/media/${id}`, ...lists, link];
  const found = await crawl(media.app, bearer(ana), [...seeds, link.replace('content', 'renditions')]);
  signed = found.filter((url) => url.includes('/signed/'));
  given = found.filter((url) => !url.includes('/signed/'));
});
afterAll(() => media.close());
afterEach(() => void setSystemTime());

/** An upload's address is asked for as tus does. */
const ask = (url: string, method: string, headers: Record<string, string>) =>
  media.app.request(url, { method, headers: { 'Tus-Resumable': '1.0.0', ...headers } });

/** Each address, asked for in each way by each who has no business with it, and what came back. */
async function answers(urls: readonly string[]) {
  const people = [{}, bearer(outsider)];
  const asking = urls.flatMap((url) =>
    WAYS.flatMap(([method, headers]) =>
      people.map(async (who, at) => {
        const answer = await ask(url, method, { ...headers, ...who });
        // A page of one's own, or of what all may see, is there for everybody: this must not be on it.
        const shows = (await answer.text()).includes(id) && answer.ok;
        const asked = `${method} ${url} ${JSON.stringify(headers)} by ${at}`;
        return { asked, status: answer.status, shows, headers: answer.headers };
      }),
    ),
  );
  return Promise.all(asking);
}

/** Lists answer everybody; whatever else is there must be none, want a token, or not be there to be got. */
const isList = (asked: string) => asked.includes('?owner=') || asked.includes(' /albums/');
const CLOSED = [404, 401, 405];

function expectClosed(all: Awaited<ReturnType<typeof answers>>): void {
  const open = all.filter(({ asked, status, shows }) => shows || !(isList(asked) || CLOSED.includes(status)));
  expect(open.map(({ asked, status }) => `${status} ${asked}`)).toEqual([]);
  const telling = all.filter(
    ({ asked, headers }) => !isList(asked) && (headers.has('ETag') || headers.has('Content-Range')),
  );
  expect(telling.map(({ asked }) => asked)).toEqual([]);
}

const hidden = (change: Partial<typeof mediaTable.$inferInsert>) =>
  media.database.db.update(mediaTable).set(change).where(eq(mediaTable.id, id));

describe('every address that the API ever gave for a private media', () => {
  test('the crawler has found what there is', async () => {
    const names = given.map((url) => url.replace(id, 'ID'));
    expect(names).toEqual(
      expect.arrayContaining([
        '/media/ID',
        '/media/ID/content',
        '/media/ID/renditions',
        '/media/ID/renditions/thumbnail-320.webp',
        '/media/ID/renditions/hls/master.m3u8',
        '/media/ID/renditions/hls/segment-1.m4s',
        '/media?owner=me',
      ]),
    );
    expect(given.filter((url) => /^\/albums\/[^/]+\/items$/.test(url))).toHaveLength(2);
    expect(signed.length).toBeGreaterThanOrEqual(5);
    for (const url of given) expect((await ask(url, 'HEAD', bearer(ana))).status).toBe(200);
    for (const url of signed) expect((await ask(url, 'GET', {})).status).toBe(200);
  });

  test('is 404 to nobody and to an outsider, however it is asked for', async () => {
    expectClosed(await answers(given));
  });

  test('is 404 to all once its signature has run out', async () => {
    setSystemTime(new Date(Date.now() + 61_000));
    expectClosed(await answers(signed));
    for (const url of signed) expect((await ask(url, 'GET', bearer(ana))).status).toBe(404);
  });

  test('opens when it is made unlisted or public, and is closed again when it is hidden, deleted or private', async () => {
    const direct = given.filter((url) => url.startsWith(`/media/${id}`));
    for (const visibility of ['unlisted', 'public'] as const) {
      await media.call('PATCH', `/media/${id}`, { as: ana, body: { visibility } });
      for (const url of direct) {
        for (const who of [{}, bearer(outsider)]) {
          expect([url, (await ask(url, 'GET', who)).status]).toEqual([url, 200]);
        }
      }
      expect((await ask(`/media/${id}/content`, 'GET', { 'If-None-Match': etag })).status).toBe(304);
      expect((await ask(`/media/${id}/content`, 'GET', { Range: 'bytes=0-0' })).status).toBe(206);
      await hidden({ hiddenAt: new Date() });
      expectClosed(await answers([...given, ...signed]));
      await hidden({ hiddenAt: null, deletedAt: new Date() });
      expectClosed(await answers([...given, ...signed]));
      await hidden({ deletedAt: null });
      for (const url of [...direct, ...signed]) expect((await ask(url, 'GET', {})).status).toBe(200);
      await media.call('PATCH', `/media/${id}`, { as: ana, body: { visibility: 'private' } });
      expectClosed(await answers(given));
      for (const url of signed) expect((await ask(url, 'GET', {})).status).toBe(200);
    }
  });

  test('is not in what others are given', async () => {
    const lists = ['/media', `/media?owner=${ana.id}`, '/media?visibility=private', '/media?owner=me'];
    const seeds = [...lists, '/albums', `/albums?owner=${ana.id}`];
    for (const who of [{}, bearer(outsider)]) {
      const found = await crawl(media.app, who, seeds);
      expect(found.filter((url) => url.includes(id))).toEqual([]);
    }
    // The crawler itself sees what there is to see.
    expect(urlsIn({ a: [`/media/${id}`] }, new Headers({ Location: '/media/uploads/1' }))).toEqual([
      `/media/${id}`,
      '/media/uploads/1',
    ]);
  });
});

describe('while visibility changes', () => {
  test('no byte, tag or range after the change is acknowledged, whatever is asked at the same time', async () => {
    const path = `/media/${id}/content`;
    for (let round = 0; round < 5; round++) {
      await media.call('PATCH', `/media/${id}`, { as: ana, body: { visibility: 'public' } });
      let closed = false;
      const leaks: string[] = [];
      const readers = WAYS.map(async ([method, headers]) => {
        for (let n = 0; n < 8; n++) {
          const before = closed;
          const { status } = await ask(path, method, headers);
          if (before && status !== 404) leaks.push(`${status} ${method} ${JSON.stringify(headers)}`);
        }
      });
      await media.call('PATCH', `/media/${id}`, { as: ana, body: { visibility: 'private' } });
      closed = true;
      await Promise.all(readers);
      expect(leaks).toEqual([]);
    }
  });
});
