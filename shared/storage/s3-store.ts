import { rm } from 'node:fs/promises';
import { GetObjectCommand, HeadBucketCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { assertBlobKey, type BlobStore } from './blob-store.ts';
import { unlessAbsent } from './disk.ts';
import type { Bucket } from './s3-client.ts';
import {
  abortMultipart,
  completeMultipart,
  createMultipart,
  type Part,
  partSizeFor,
  uploadPart,
} from './s3-multipart.ts';
import {
  listObjects,
  objectSource,
  openObject,
  putObject,
  removeObject,
  sizeOfObject,
} from './s3-objects.ts';

/** Of every blob's object. */
export const PREFIX = 'blobs/';

/** Where a blob lies in the bucket. */
export function objectOf(key: string): string {
  assertBlobKey(key);
  return `${PREFIX}${key}`;
}

/**
 * Blobs as objects of a bucket. Puts hold one part in memory, of 5 MiB for files of up to 48 GiB. `signer` reaches
 * the bucket by the address that browsers know. S3 ends nobody's reading of an object that is removed.
 */
export function s3Store(bucket: Bucket, signer: Bucket = bucket): BlobStore {
  return {
    async put(key, path) {
      const [name, file] = [objectOf(key), Bun.file(path)];
      if (await file.exists()) {
        await putFile(bucket, name, file);
        await unlessAbsent(rm(path));
      } else if ((await sizeOfObject(bucket, name)) === undefined) {
        throw new Error('neither the file to put nor its blob is there');
      }
    },
    size: async (key) => sizeOfObject(bucket, objectOf(key)),
    open: async (key, range) => openObject(bucket, objectOf(key), range),
    async source(key) {
      const size = await sizeOfObject(bucket, objectOf(key));
      return size === undefined ? undefined : objectSource(bucket, objectOf(key), size);
    },
    async *list() {
      for await (const { key, ...found } of listObjects(bucket, PREFIX)) {
        yield { ...found, key: key.slice(PREFIX.length) };
      }
    },
    remove: async (key) => void (await removeObject(bucket, objectOf(key))),
    ping: () => bucket.client.send(new HeadBucketCommand({ Bucket: bucket.name })),
    presign: (key, { seconds, mimeType, disposition, cacheControl }) =>
      getSignedUrl(
        signer.client,
        new GetObjectCommand({
          Bucket: signer.name,
          Key: objectOf(key),
          ResponseContentType: mimeType,
          ResponseContentDisposition: disposition,
          ResponseCacheControl: cacheControl,
        }),
        { expiresIn: seconds },
      ),
  };
}

async function putFile(bucket: Bucket, name: string, file: Blob): Promise<void> {
  const partSize = partSizeFor(file.size);
  if (file.size <= partSize) {
    await putObject(bucket, name, await file.bytes());
    return;
  }
  const multipart = await createMultipart(bucket, name);
  try {
    const parts: Part[] = [];
    for (let at = 0; at < file.size; at += partSize) {
      const body = await file.slice(at, at + partSize).bytes();
      parts.push(await uploadPart(bucket, multipart, parts.length + 1, body));
    }
    await completeMultipart(bucket, multipart, parts);
  } catch (error) {
    await abortMultipart(bucket, multipart).catch(() => {});
    throw error;
  }
}
