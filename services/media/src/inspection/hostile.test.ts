import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png } from '../testing/fixtures.ts';
import { bombPng, framesGif, hostileFiles } from '../testing/hostile-files.ts';
import { tusClient } from '../testing/tus.ts';

let media: TestApp;
let ana: TestUser;
let canary: ReturnType<typeof Bun.serve>;
let heard = 0;
beforeAll(async () => {
  canary = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch() {
      heard += 1;
      return new Response('root:');
    },
  });
  media = await createTestApp();
  ana = await media.user();
});
afterAll(async () => {
  await canary?.stop(true);
  await media?.close();
});

const NAMES = ['a.mp4', 'a.avi', 'a.png', 'a.jpg'];

function send(file: Uint8Array, name: string) {
  const body = new FormData();
  body.append('file', new File([file.slice()], name, { type: 'image/png' }));
  return media.call('POST', '/media', { as: ana, body });
}

describe('files of whoever means ill', () => {
  const files = hostileFiles('http://127.0.0.1:1');
  test('are a hundred and more', () => expect(files.length).toBeGreaterThanOrEqual(100));

  // In one test: a hundred of them would be a hundred lines of nothing else.
  test('are refused, each as what it is, whatever they are called; nothing is left, and nobody is called', async () => {
    const wrong: string[] = [];
    for (const [index, [name, file, status]] of hostileFiles(canary.url.origin).entries()) {
      const answer = await send(file, NAMES[index % NAMES.length] ?? '');
      if (answer.status !== status) wrong.push(`${name}: ${answer.status} ${answer.body.detail}`);
      if (JSON.stringify(answer.body).includes('root:')) wrong.push(`${name}: tells what it read`);
    }
    expect(wrong).toEqual([]);
    expect(await media.files()).toEqual([]);
    expect(await media.events()).toEqual([]);
    expect(heard).toBe(0);
  });

  test('by tus as well, and then nothing is left of the upload', async () => {
    const tus = tusClient(media, ana);
    const refused = [
      [framesGif(10_000), 422, 'unprocessable_media'],
      [bombPng(14_000, 14_000), 422, 'unprocessable_media'],
      [new TextEncoder().encode('#EXTM3U\nfile:///etc/passwd\n'), 415, 'unsupported_media_type'],
    ] as const;
    for (const [file, status, code] of refused) {
      const path = await tus.start(file.length);
      const { body, ...answer } = await tus.patch(path, 0, file);
      expect([answer.status, body.code]).toEqual([status, code]);
      expect((await tus.head(path)).status).toBe(404);
    }
    expect(await media.files()).toEqual([]);
  });

  test('the limits of pictures are settings', async () => {
    const strict = await createTestApp({ IMAGE_MAX_PIXELS: '99', IMAGE_MAX_FRAMES: '2' });
    const as = await strict.user();
    const ask = async (file: Uint8Array) => {
      const body = new FormData();
      body.append('file', new File([file.slice()], 'a'));
      return (await strict.call('POST', '/media', { as, body })).status;
    };
    expect(await ask(bombPng(11, 9))).toBe(201);
    expect(await ask(bombPng(10, 10))).toBe(422);
    expect(await ask(framesGif(2))).toBe(201);
    expect(await ask(framesGif(3))).toBe(422);
    await strict.close();
  });

  test('memory stays flat, as nothing is unpacked', async () => {
    const bomb = bombPng(30_000, 30_000);
    expect(bomb.length).toBeLessThan(1_000_000);
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    for (let round = 0; round < 10; round++) expect((await send(bomb, 'a.png')).status).toBe(422);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024);
  });
});

describe('what is right is taken', () => {
  test('padding behind a picture, which others do not get', async () => {
    const file = new Uint8Array(Buffer.concat([png(), Buffer.alloc(100), Buffer.from('SECRET')]));
    const { status, body } = await send(file, 'a.png');
    expect(status).toBe(201);
    const content = await (await media.app.request(`/media/${body.id}/content`)).bytes();
    expect(Buffer.from(content).includes('SECRET')).toBe(false);
    expect(content.length).toBe(file.length);
  });
});
