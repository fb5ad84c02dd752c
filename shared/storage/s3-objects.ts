import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { ByteRange } from './blob-store.ts';
import type { ByteSource, Bytes } from './byte-source.ts';
import { type Bucket, onS3, unlessMissing } from './s3-client.ts';

/** Bytes of an object; undefined when there is none. */
export const sizeOfObject = ({ client, name }: Bucket, key: string): Promise<number | undefined> =>
  onS3(async () => {
    const found = await unlessMissing(client.send(new HeadObjectCommand({ Bucket: name, Key: key })));
    return found === undefined ? undefined : (found.ContentLength ?? 0);
  });

export const putObject = ({ client, name }: Bucket, key: string, body: Uint8Array): Promise<unknown> =>
  onS3(() => client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: body })));

export const copyObject = ({ client, name }: Bucket, from: string, to: string): Promise<unknown> =>
  onS3(() => client.send(new CopyObjectCommand({ Bucket: name, Key: to, CopySource: `${name}/${from}` })));

export const removeObject = ({ client, name }: Bucket, key: string): Promise<unknown> =>
  onS3(() => client.send(new DeleteObjectCommand({ Bucket: name, Key: key })));

type Opened = { body: ReadableStream<Uint8Array>; length: number };

const getObject = ({ client, name }: Bucket, key: string, range?: ByteRange): Promise<Opened | undefined> =>
  onS3(async () => {
    const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end}`;
    const found = await unlessMissing(client.send(new GetObjectCommand({ Bucket: name, Key: key, Range })));
    if (found?.Body === undefined) return undefined;
    return { body: found.Body.transformToWebStream(), length: found.ContentLength ?? 0 };
  });

/** Times that reading goes on without having got a byte. */
const GO_ON = 2;

/**
 * The object or a range of it, as it comes; undefined when there is none. A reading that is cut, as it is when its
 * reader pauses for long, goes on where it was.
 */
export async function openObject(
  bucket: Bucket,
  key: string,
  range?: ByteRange,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const first = await getObject(bucket, key, range);
  if (first === undefined) return undefined;
  let at = range?.start ?? 0;
  const end = at + first.length;
  let reader = first.body.getReader();
  let left = GO_ON;

  async function next(): Promise<Uint8Array | undefined> {
    try {
      const { value } = await reader.read();
      if (value === undefined && at < end) throw new Error('the object was cut');
      return value;
    } catch (error) {
      if (left === 0) throw error;
      left -= 1;
      const again = await getObject(bucket, key, { start: at, end: end - 1 });
      if (again === undefined) throw error;
      reader = again.body.getReader();
      return next();
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const value = await next();
        if (value === undefined) return controller.close();
        at += value.length;
        left = GO_ON;
        controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

export type Listed = { key: string; size: number; modified: Date };

/** What lies under a prefix, by pages of a thousand. */
export async function* listObjects({ client, name }: Bucket, prefix: string): AsyncGenerator<Listed> {
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({ Bucket: name, Prefix: prefix, ContinuationToken: token });
    const page = await onS3(() => client.send(command));
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      if (Key !== undefined) yield { key: Key, size: Size ?? 0, modified: LastModified ?? new Date() };
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

/** An object of a known size, for reading here and there: each reading is a request of its own. */
export function objectSource(bucket: Bucket, key: string, size: number): ByteSource {
  function part(start: number, end: number): Bytes {
    const last = Math.min(end, size) - 1;
    if (last < start) return new Blob([]);
    const stream = () => later(() => openObject(bucket, key, { start, end: last }));
    return {
      stream,
      bytes: () => new Response(stream()).bytes(),
      arrayBuffer: () => new Response(stream()).arrayBuffer(),
    };
  }
  const whole = () => part(0, size);
  return {
    size,
    slice: part,
    stream: () => whole().stream(),
    bytes: () => whole().bytes(),
    arrayBuffer: () => whole().arrayBuffer(),
  };
}

/** A stream that is opened by its first reading. */
function later(open: () => Promise<ReadableStream<Uint8Array> | undefined>): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (reader === undefined) {
          const body = await open();
          if (body === undefined) throw new Error('the object is gone');
          reader = body.getReader();
        }
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
