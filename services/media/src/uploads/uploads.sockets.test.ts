import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Readable } from 'node:stream';
import { fetchOf } from '@tertulia/shared/http/app';
import { type Running, serve } from '@tertulia/shared/runtime/serve';
import { eventually } from '@tertulia/shared/testing/eventually';
import { describeWith } from '@tertulia/shared/testing/needs';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { Upload } from 'tus-js-client';
import { createTestApp, type TestApp } from '../test-app.ts';
import { pattern, png, sha256 } from '../testing/fixtures.ts';
import { type RawClient, rawClient, requestHead } from '../testing/raw-client.ts';
import { type TusClient, tusClient } from '../testing/tus.ts';

const file = png(50_000);
let media: TestApp;
let running: Running;
let ana: TestUser;
let tus: TusClient;
beforeAll(async () => {
  media = await createTestApp({ UPLOAD_STALL_SECONDS: '2' });
  ana = await media.user();
  tus = tusClient(media, ana);
  const { log, locks } = media.deps;
  const fetch = fetchOf(media.app);
  running = serve({ fetch, hostname: '127.0.0.1', port: 0, drainSeconds: 1, log, onDrain: locks.shutDown });
});
afterAll(async () => {
  await running.stop();
  await media.close();
});

async function stored(path: string): Promise<number> {
  const upload = await media.deps.findUpload(path.split('/').at(-1) ?? '', ana.id);
  return upload === undefined ? 0 : media.deps.uploads.size(upload);
}
const headersFor = (length: Record<string, string>) => ({
  Authorization: `Bearer ${ana.token}`,
  'Tus-Resumable': '1.0.0',
  'Content-Type': 'application/offset+octet-stream',
  ...length,
});

/** Starts a PATCH of the whole file, sends its first part, and waits until that is on disk. */
async function patchPart(path: string, part: number): Promise<RawClient> {
  const client = await rawClient(running.port);
  const length = { 'Upload-Offset': '0', 'Content-Length': String(file.length) };
  await client.send(requestHead('PATCH', path, headersFor(length)));
  await client.send(file.subarray(0, part));
  await eventually(async () => (await stored(path)) === part);
  return client;
}

/** Sends the rest, and looks at what became of it. */
async function expectResumes(path: string): Promise<void> {
  const offset = Number((await tus.head(path)).headers.get('Upload-Offset'));
  const last = await tus.patch(path, offset, file.subarray(offset));
  expect(last.status).toBe(204);
  const { body } = await media.call('GET', `/media/${last.headers.get('Media-Id')}`);
  expect(body).toMatchObject({ size: file.length, sha256: sha256(file) });
}

describe('a PATCH whose client', () => {
  test('vanishes: what came is kept', async () => {
    const path = await tus.start(file.length);
    (await patchPart(path, 20_000)).vanish();
    const { headers } = await tus.head(path);
    expect(headers.get('Upload-Offset')).toBe('20000');
    await expectResumes(path);
  });

  test('stalls: a HEAD takes over at once', async () => {
    const path = await tus.start(file.length);
    const client = await patchPart(path, 20_000);
    const { status, headers } = await tus.head(path);
    expect(status).toBe(200);
    expect(headers.get('Upload-Offset')).toBe('20000');
    expect(await client.status()).toBe(423);
    expect(client.received()).toContain('upload_locked');
    await eventually(client.isClosed);
    await expectResumes(path);
  });

  test('stalls: another PATCH, or a DELETE, takes over at once', async () => {
    const path = await tus.start(file.length);
    await patchPart(path, 20_000);
    const rest = await tus.patch(path, 20_000, file.subarray(20_000));
    expect(rest.headers.get('Media-Id')).toBeString();
    const doomed = await tus.start(file.length);
    await patchPart(doomed, 20_000);
    expect((await tus.delete(doomed)).status).toBe(204);
    expect(await stored(doomed)).toBe(0);
  });

  test('stalls for too long: it is cut by itself', async () => {
    const path = await tus.start(file.length);
    const client = await patchPart(path, 20_000);
    expect(await client.status()).toBe(423);
    await eventually(client.isClosed);
    expect(await stored(path)).toBe(20_000);
    await expectResumes(path);
  });

  test('is slow but alive outlives the patience with silence', async () => {
    const path = await tus.start(file.length);
    const client = await patchPart(path, 1000);
    // Twice the patience, at a kilobyte and a half a second.
    for (let at = 1000; at < 7000; at += 300) {
      await client.send(file.subarray(at, at + 300));
      await Bun.sleep(200);
    }
    expect(client.received()).toBe('');
    await client.send(file.subarray(7000));
    expect(await client.status()).toBe(204);
    expect(client.received()).toContain('Media-Id');
  });

  test('sends chunks beyond the length: they are cut there', async () => {
    const path = await tus.start(file.length);
    const client = await rawClient(running.port);
    const chunked = { 'Upload-Offset': '0', 'Transfer-Encoding': 'chunked' };
    await client.send(requestHead('PATCH', path, headersFor(chunked)));
    for (const part of [file.subarray(0, 30_000), file.subarray(30_000), pattern(9000)]) {
      await client.send(new Uint8Array([...Buffer.from(`${part.length.toString(16)}\r\n`), ...part, 13, 10]));
    }
    await client.send('0\r\n\r\n');
    expect(await client.status()).toBe(204);
    await eventually(() => client.received().includes(`Upload-Offset: ${file.length}`));
    const id = (await tus.head(path)).headers.get('Media-Id');
    expect((await media.call('GET', `/media/${id}`)).body.sha256).toBe(sha256(file));
  });

  test('sends a broken chunk: what came before is kept', async () => {
    const path = await tus.start(file.length);
    const client = await rawClient(running.port);
    const chunked = { 'Upload-Offset': '0', 'Transfer-Encoding': 'chunked' };
    await client.send(requestHead('PATCH', path, headersFor(chunked)));
    await client.send(new Uint8Array([...Buffer.from('3e8\r\n'), ...file.subarray(0, 1000), 13, 10]));
    await eventually(async () => (await stored(path)) === 1000);
    await client.send('zz\r\n');
    await eventually(client.isClosed);
    await expectResumes(path);
  });
});

describe('many at once', () => {
  test('HEADs and PATCHes of one upload leave one whole media', async () => {
    const path = await tus.start(file.length);
    const step = 5000;
    await eventually(async () => {
      const [head] = await Promise.all([tus.head(path), tus.head(path), tus.head(path)]);
      if (head.headers.get('Media-Id') !== null) return true;
      const at = Number(head.headers.get('Upload-Offset'));
      await Promise.all([
        tus.patch(path, at, file.subarray(at, at + step)),
        tus.patch(path, at, file.subarray(at, at + step)),
        tus.head(path),
      ]);
      return false;
    });
    const id = (await tus.head(path)).headers.get('Media-Id');
    expect((await media.call('GET', `/media/${id}`)).body.sha256).toBe(sha256(file));
    const told = (await media.events()).filter(({ data }) => data.mediaId === id);
    expect(told).toHaveLength(1);
  });
});

describe('a form whose client vanishes', () => {
  test('leaves nothing', async () => {
    const before = await media.files();
    const client = await rawClient(running.port);
    await client.send(
      requestHead('POST', '/media', {
        Authorization: `Bearer ${ana.token}`,
        'Content-Type': 'multipart/form-data; boundary=x',
        'Content-Length': '1000000',
      }),
    );
    await client.send('--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n');
    await client.send(file);
    await eventually(async () => (await media.files()).length > before.length);
    client.vanish();
    await eventually(async () => (await media.files()).length === before.length);
  });
});

describe('tus-js-client', () => {
  const upload = (
    options: Partial<ConstructorParameters<typeof Upload>[1]>,
    source: Buffer | Readable = Buffer.from(file),
  ) => {
    const { promise, resolve, reject } = Promise.withResolvers<{
      id: string | undefined;
      url: string | null;
    }>();
    let id: string | undefined;
    const task = new Upload(source, {
      endpoint: `http://127.0.0.1:${running.port}/media/uploads`,
      headers: { Authorization: `Bearer ${ana.token}` },
      metadata: { filename: 'from-sdk.png', title: 'SDK ñ' },
      retryDelays: [0, 10, 10],
      onAfterResponse(_, response) {
        id = response.getHeader('Media-Id') ?? id;
      },
      onError: reject,
      onSuccess: () => resolve({ id, url: task.url }),
      ...options,
    });
    task.start();
    return promise;
  };

  test.each([
    ['in one piece', {}],
    ['in chunks', { chunkSize: 7000 }],
    ['with data in the creation', { chunkSize: 7000, uploadDataDuringCreation: true }],
    ['by POST alone', { chunkSize: 7000, overridePatchMethod: true }],
  ])('uploads %s', async (_, options) => {
    const { id, url } = await upload(options);
    expect(url).toStartWith(`http://127.0.0.1:${running.port}/media/uploads/`);
    const { body } = await media.call('GET', `/media/${id}`);
    expect(body).toMatchObject({ title: 'SDK ñ', filename: 'from-sdk.png', sha256: sha256(file) });
  });

  test.each([
    ['four parts at once', { parallelUploads: 4, chunkSize: 5000 }],
    ['by the IETF’s draft', { protocol: 'ietf-draft-05' as const, chunkSize: 7000 }],
  ])('uploads %s', async (_, options) => {
    const { id } = await upload({ ...options, metadata: { filename: 'whole.png', title: 'One whole' } });
    const { body } = await media.call('GET', `/media/${id}`);
    expect(body).toMatchObject({ title: 'One whole', size: file.length, sha256: sha256(file) });
  });

  test('uploads a stream whose length it learns at the end', async () => {
    const stream = Readable.from([file.subarray(0, 9000), file.subarray(9000)]);
    const { id } = await upload({ uploadLengthDeferred: true, chunkSize: 7000 }, stream);
    expect((await media.call('GET', `/media/${id}`)).body.sha256).toBe(sha256(file));
  });

  test('resumes what another request began, even while that one stalls', async () => {
    const path = await tus.start(file.length);
    await patchPart(path, 20_000);
    const { id } = await upload({ uploadUrl: `http://127.0.0.1:${running.port}${path}` });
    expect((await media.call('GET', `/media/${id}`)).body.sha256).toBe(sha256(file));
  });
});

describeWith('curl')('curl', () => {
  async function curl(path: string, input: Uint8Array, ...args: string[]) {
    const headers = [`Authorization: Bearer ${ana.token}`, 'Tus-Resumable: 1.0.0', 'Expect:'];
    const child = Bun.spawn(
      ['curl', '-s', '-i', ...headers.flatMap((header) => ['-H', header]), ...args, address(path)],
      { stdin: new Blob([input.slice()]) },
    );
    const answer = await new Response(child.stdout).text();
    await child.exited;
    return {
      status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]),
      header: (name: string) => new RegExp(`^${name}: (.*?)\r?$`, 'im').exec(answer)?.[1],
    };
  }
  const address = (path: string) => `http://127.0.0.1:${running.port}${path}`;
  const nothing = new Uint8Array();
  const patch = (path: string, offset: number, input: Uint8Array, ...args: string[]) => {
    const octets = ['-H', 'Content-Type: application/offset+octet-stream', '-H', `Upload-Offset: ${offset}`];
    return curl(path, input, '-X', 'PATCH', ...octets, '--data-binary', '@-', ...args);
  };

  test.skipIf(Bun.which('curl') === null)(
    'uploads, is cut off, asks for the offset and goes on',
    async () => {
      const made = await curl('/media/uploads', nothing, '-X', 'POST', '-H', `Upload-Length: ${file.length}`);
      expect(made.status).toBe(201);
      const path = made.header('Location') ?? '';
      // At this rate it has sent some of it when it gives up.
      await patch(path, 0, file, '--limit-rate', '20k', '--max-time', '0.5');
      const offset = Number((await curl(path, nothing, '-I')).header('Upload-Offset'));
      expect(offset).toBeLessThan(file.length);
      const last = await patch(path, offset, file.subarray(offset));
      expect([last.status, last.header('Upload-Offset')]).toEqual([204, String(file.length)]);
      expect((await media.call('GET', `/media/${last.header('Media-Id')}`)).body.sha256).toBe(sha256(file));
    },
  );
});
