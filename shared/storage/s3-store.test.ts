import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '../testing/needs.ts';
import { startMoto, startS3, type TestS3 } from '../testing/s3.ts';
import { WHOLE } from '../testing/whole.ts';
import { blobStoreContract } from './blob-store.contract.ts';
import { newBlobKey } from './blob-store.ts';
import { openBucket } from './s3-client.ts';
import { openObject, putObject, removeObject } from './s3-objects.ts';
import { s3Store } from './s3-store.ts';
import { s3UploadStore } from './s3-upload-store.ts';
import { uploadStoreContract } from './upload-store.contract.ts';

const MOST = 20 * 1024 ** 3;

function contracts(
  name: string,
  start: () => Promise<TestS3>,
  describeIt: typeof describe | ReturnType<typeof describeWith>,
) {
  blobStoreContract(
    name,
    async () => {
      const { bucket, stop } = await start();
      return { store: s3Store(bucket), close: stop };
    },
    describeIt,
  );
  uploadStoreContract(
    name,
    async (folder) => {
      const { bucket, stop } = await start();
      const blobs = s3Store(bucket);
      const other = () => s3UploadStore({ bucket, blobs, spool: join(folder, 'spool'), maxSize: MOST });
      return { blobs, store: await other(), other, close: stop };
    },
    describeIt,
  );
}

contracts('S3', startS3, describe);
// A second judge, which takes its time.
if (WHOLE) contracts('S3 as moto has it', startMoto, describeWith('moto_server'));

/** A way to a server on which connections that brought more than `cutAfter` bytes are cut, some times. */
function breakingWay(endpoint: string, cutAfter: number, times: number) {
  const { hostname, port } = new URL(endpoint);
  let left = times;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let passed = 0;
    far.on('data', (data) => {
      passed += data.length;
      if (passed > cutAfter && left > 0) {
        left -= 1;
        near.destroy();
        far.destroy();
      } else near.write(data);
    });
    near.on('data', (data) => void far.write(data));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  const { promise, resolve } = Promise.withResolvers<string>();
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
  });
  return { endpoint: promise, left: () => left, stop: () => void server.close() };
}

describe('a connection to S3 that breaks', () => {
  const body = Buffer.alloc(3_000_000, 'some bytes that differ ');
  let s3: TestS3;
  beforeAll(async () => {
    s3 = await startS3();
    await putObject(s3.bucket, 'blobs/x', body);
  });
  afterAll(() => s3.stop());

  test('is made again in the middle of a reading, and no byte is lost or doubled', async () => {
    const way = breakingWay(s3.settings.endpoint, 1_000_000, 2);
    const bucket = openBucket({ ...s3.settings, endpoint: await way.endpoint });
    const stream = await openObject(bucket, 'blobs/x', { start: 5, end: body.length - 6 });
    expect(Buffer.compare(await new Response(stream).bytes(), body.subarray(5, -5))).toBe(0);
    expect(way.left()).toBe(0);
    bucket.client.destroy();
    way.stop();
  });

  test('and never brings anything fails the reading', async () => {
    const way = breakingWay(s3.settings.endpoint, 1_000_000, 1);
    const bucket = openBucket({ ...s3.settings, endpoint: await way.endpoint });
    const stream = await openObject(bucket, 'blobs/x');
    await removeObject(s3.bucket, 'blobs/x');
    await expect(new Response(stream).bytes()).rejects.toThrow();
    bucket.client.destroy();
    way.stop();
  });
});

describe('a new generation on S3 that was cut short', () => {
  test('goes on from the object that the older multipart upload has become', async () => {
    const s3 = await startS3();
    const folder = await mkdtemp(join(tmpdir(), 'tertulia-s3-'));
    const blobs = s3Store(s3.bucket);
    const open = () => s3UploadStore({ bucket: s3.bucket, blobs, spool: folder, maxSize: MOST });
    const store = await open();
    const upload = { id: Bun.randomUUIDv7(), generation: 0, blobKey: newBlobKey(), storeRef: null };
    const begun = { ...upload, storeRef: await store.begin(upload) };
    const file = Buffer.alloc(5 * 1024 * 1024 + 900, 'no part is lost ');
    const writer = await store.append(begun, 0);
    await writer.write(file.subarray(0, -400));
    await writer.close();
    // As advance does it, and then nothing is noted in the row.
    await store.advance(begun, 1);

    const other = await open();
    const offset = await other.size(begun);
    expect(offset).toBe(file.length - 400);
    const storeRef = await other.begin(begun);
    expect(storeRef).not.toBe(begun.storeRef);
    const again = { ...begun, storeRef };
    const rest = await other.append(again, offset);
    await rest.write(file.subarray(offset));
    await rest.close();
    await other.publish(again);
    const bytes = await new Response(await blobs.open(upload.blobKey)).bytes();
    expect(Buffer.compare(bytes, file)).toBe(0);
    await s3.stop();
    await rm(folder, { recursive: true });
  });
});
