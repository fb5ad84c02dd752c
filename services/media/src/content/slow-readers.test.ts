import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { eventually } from '@tertulia/shared/testing/eventually';
import { WHOLE } from '@tertulia/shared/testing/whole';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png } from '../testing/fixtures.ts';
import { type OverSocket, overSocket } from '../testing/over-socket.ts';
import { hideIn, redaction } from '../testing/redacted.ts';
import { tusClient } from '../testing/tus.ts';

const READERS = WHOLE ? 1000 : 100;
/** More than the kernel takes for a reader who takes nothing. */
const SIZE = 24 * 1024 * 1024;
/** A part that waits, the stream around it, and the sockets: both ends are in this process. */
const MIB_PER_READER = 1.5;

let media: TestApp;
let socket: OverSocket;
const ids: Record<string, string> = {};
beforeAll(async () => {
  media = await createTestApp();
  socket = overSocket(media);
  const tus = tusClient(media, await media.user());
  const file = png(SIZE);
  for (const name of ['plain', 'redacted']) ids[name] = await tus.upload(file);
  await hideIn(media, ids.plain ?? '', file, []);
  await hideIn(media, ids.redacted ?? '', file, [redaction(100, 10), redaction(file.length - 10, 5)]);
});
afterAll(async () => {
  await socket?.stop();
  await media?.close();
});

const descriptors = () => readdirSync('/proc/self/fd').length;
const rssMiB = () => process.memoryUsage.rss() / 1024 ** 2;

/** Begins to read, and stops at the first bytes. */
async function stalledReader(path: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const reader = connect(socket.port, '127.0.0.1', () => {
    reader.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  });
  reader.once('data', (data: Buffer) => {
    reader.pause();
    if (data.toString('latin1').startsWith('HTTP/1.1 200 ')) resolve();
    else reject(new Error(data.toString('latin1').slice(0, 200)));
  });
  reader.on('error', reject);
  await promise;
  return reader;
}

describe.each(['plain', 'redacted'])('%s', (name) => {
  test(`${READERS} readers who stop and then go away: little memory, and no descriptor is left`, async () => {
    const path = `/media/${ids[name]}/content`;
    // Whatever the first answer opens for good.
    (await stalledReader(path)).destroy();
    await eventually(() => media.call('GET', '/health/live').then(({ status }) => status === 200));
    await Bun.sleep(0);
    Bun.gc(true);
    const before = { descriptors: descriptors(), rss: rssMiB() };
    const readers = await Promise.all(Array.from({ length: READERS }, () => stalledReader(path)));
    expect(descriptors()).toBeGreaterThanOrEqual(before.descriptors + READERS);
    expect(rssMiB() - before.rss).toBeLessThan(READERS * MIB_PER_READER + 64);
    for (const reader of readers) reader.destroy();
    await eventually(() => descriptors() <= before.descriptors + 2, { ms: 20_000 });
    expect((await socket.get(path, { Range: 'bytes=0-9' })).status).toBe(206);
  });
});
