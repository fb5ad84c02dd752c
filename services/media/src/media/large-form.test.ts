import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { open } from 'node:fs/promises';
import { createTestClient } from '@tertulia/shared/testing/client';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { WHOLE } from '@tertulia/shared/testing/whole';
import { createApp } from '../app.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { bytes, png, u32le } from '../testing/fixtures.ts';

const MIB = 1024 * 1024;
const SIZE = WHOLE ? 5 * 1024 * MIB : 300 * MIB;

let media: TestApp;
let ana: TestUser;
beforeAll(async () => {
  media = await createTestApp();
  ana = await media.user();
});
afterAll(() => media?.close());

/** Of a recorder that does not know how long it will go on: it may be longer than 4 GiB. */
const HEADER = bytes(
  ...['RIFF', u32le(0xffffffff), 'WAVE', 'fmt ', u32le(16), [1, 0, 1, 0], u32le(8000), u32le(8000)],
  ...[[1, 0, 8, 0], 'data', u32le(0xffffffff)],
);

const part = (name: string, more = '') =>
  `--x\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;

/** A form that is made as it is read: its file of so many bytes, then a field. */
function body(size: number, broken = false): ReadableStream<Uint8Array> {
  const text = new TextEncoder();
  const piece = new Uint8Array(MIB);
  let left = size - HEADER.length;
  let begun = false;
  return new ReadableStream({
    pull(controller) {
      if (!begun) {
        begun = true;
        controller.enqueue(bytes(part('file', '; filename="long.wav"'), HEADER));
      } else if (left > 0) {
        const next = Math.min(left, MIB);
        left -= next;
        controller.enqueue(piece.slice(0, next));
      } else if (broken) {
        controller.error(new Error('gone'));
      } else {
        controller.enqueue(text.encode(`\r\n${part('title')}Long\r\n--x--\r\n`));
        controller.close();
      }
    },
  });
}

const send = (stream: ReadableStream<Uint8Array>) =>
  media.app.request('/media', {
    method: 'POST',
    headers: { Authorization: `Bearer ${ana.token}`, 'Content-Type': 'multipart/form-data; boundary=x' },
    body: stream,
  });

describe('POST /media with a large file', () => {
  test(`${SIZE / MIB} MiB need no more memory than a few`, async () => {
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    let most = before;
    const watching = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 20);
    const response = await send(body(SIZE));
    clearInterval(watching);
    const answer = await response.json();
    expect(response.status).toBe(201);
    expect(answer).toMatchObject({ kind: 'audio', size: SIZE, title: 'Long' });
    expect(answer.durationMs).toBe(Math.round(((SIZE - HEADER.length) / 8000) * 1000));
    expect(most - before).toBeLessThan(150 * MIB);
    await media.call('DELETE', `/media/${answer.id}`, { as: ana });
  });

  test('whoever goes away leaves nothing', async () => {
    const files = await media.files();
    const response = await send(body(20 * MIB, true));
    expect(response.status).toBe(400);
    expect(await media.files()).toEqual(files);
  });

  test('507 on a full disk, and nothing is left', async () => {
    const files = await media.files();
    const formFiles = { ...media.deps.formFiles, append: () => open('/dev/full', 'a') };
    const call = createTestClient(createApp({ ...media.deps, formFiles }));
    const form = new FormData();
    form.append('file', new File([png(5000).slice()], 'a.png'));
    const { status, body: problem } = await call('POST', '/media', { as: ana, body: form });
    expect([status, problem.code]).toEqual([507, 'insufficient_storage']);
    expect(await media.files()).toEqual(files);
  });
});
