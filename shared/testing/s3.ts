import { dirname, join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { buildApp } from 'fauxqs';
import { type Bucket, openBucket, type S3Settings } from '../storage/s3-client.ts';
import { freePort } from '../stores/postgres-process.ts';
import { eventually } from './eventually.ts';
import { HANG_MS } from './hang.ts';

export type TestS3 = { settings: S3Settings; bucket: Bucket; stop(): Promise<void> };

const KEYS = { region: 'us-east-1', accessKeyId: 'test', secretAccessKey: 'test-test' };

async function bucketAt(endpoint: string, stop: () => Promise<void>): Promise<TestS3> {
  const settings = { ...KEYS, endpoint, bucket: `b${crypto.randomUUID()}` };
  const bucket = openBucket(settings);
  await bucket.client.send(new CreateBucketCommand({ Bucket: settings.bucket }));
  return {
    settings,
    bucket,
    async stop() {
      bucket.client.destroy();
      await stop();
    },
  };
}

type Upload = {
  key: string;
  bucket: string;
  initiated: Date;
  parts: Map<number, { etag: string; body: Uint8Array }>;
};
/** Of fastify, whose types are no dependency of ours. */
type Asked = { method: string; url: string; query: Record<string, string> };
type Reply = { status(code: number): Reply; type(name: string): Reply; send(body: string): unknown };
type Store = { multipartUploads: Map<string, Upload> };

/**
 * A bucket on fauxqs, which keeps S3's rules on parts: numbers, ETags, 5 MiB, what may be copied. It checks no
 * signatures, and knows neither ListParts nor ListMultipartUploads, so those are answered here from its own
 * store. One in this process, in memory.
 */
export async function startS3(): Promise<TestS3> {
  // The package exports its app alone.
  const path = join(dirname(Bun.resolveSync('fauxqs', import.meta.dir)), 's3/s3Store.js');
  const { S3Store } = await import(path);
  const s3Store: Store = new S3Store();
  const app = buildApp({ logger: false, stores: { s3Store } as never });
  app.addHook('preHandler', async (request: Asked, reply: Reply) => {
    const { query } = request;
    const [bucket = '', ...key] = decodeURIComponent(request.url.split('?')[0] ?? '')
      .slice(1)
      .split('/');
    if (request.method !== 'GET') return;
    const answer =
      query.uploadId === undefined
        ? query.uploads !== undefined && multipartsXml(s3Store, bucket, query.prefix ?? '')
        : partsXml(s3Store, query.uploadId, query, key.join('/'));
    if (answer === false) return;
    return reply
      .status(answer === undefined ? 404 : 200)
      .type('application/xml')
      .send(answer ?? '<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>');
  });
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  return bucketAt(address, () => app.close());
}

function partsXml(store: Store, id: string, query: Record<string, string>, key: string) {
  const upload = store.multipartUploads.get(id);
  if (upload === undefined || upload.key !== key) return undefined;
  const after = Number(query['part-number-marker'] ?? 0);
  const most = Math.min(Number(query['max-parts'] ?? 1000), 1000);
  const left = [...upload.parts].sort(([a], [b]) => a - b).filter(([number]) => number > after);
  const page = left.slice(0, most);
  const parts = page.map(
    ([number, { etag, body }]) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${etag.replaceAll('"', '&quot;')}</ETag><Size>${body.length}</Size></Part>`,
  );
  const last = page.at(-1)?.[0] ?? after;
  return `<ListPartsResult><IsTruncated>${left.length > most}</IsTruncated><NextPartNumberMarker>${last}</NextPartNumberMarker>${parts.join('')}</ListPartsResult>`;
}

function multipartsXml(store: Store, bucket: string, prefix: string): string {
  const uploads = [...store.multipartUploads]
    .filter(([, upload]) => upload.bucket === bucket && upload.key.startsWith(prefix))
    .map(
      ([id, { key, initiated }]) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${initiated.toISOString()}</Initiated></Upload>`,
    );
  return `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${uploads.join('')}</ListMultipartUploadsResult>`;
}

/** A bucket on moto, which knows all that we ask of S3: a second judge, where Python's package is installed. */
export async function startMoto(): Promise<TestS3> {
  const port = await freePort();
  const child = Bun.spawn(['moto_server', '-H', '127.0.0.1', '-p', String(port)], {
    stdout: 'ignore',
    stderr: 'ignore',
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await eventually(async () => (await fetch(`${endpoint}/moto-api/`)).ok, { ms: HANG_MS });
  return bucketAt(endpoint, async () => {
    child.kill();
    await child.exited;
  });
}
