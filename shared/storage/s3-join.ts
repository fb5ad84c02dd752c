import type { Bucket } from './s3-client.ts';
import {
  abortMultipart,
  completeMultipart,
  copyPart,
  createMultipart,
  LEAST_PART,
  MOST_COPIED,
  type Multipart,
  type Part,
  uploadPart,
} from './s3-multipart.ts';
import { objectSource } from './s3-objects.ts';

export type Source = { key: string; size: number };

/**
 * Makes one object of several, in order. S3 copies what is long enough for parts of their own; the rest, less
 * than 5 MiB of each, passes through here.
 */
export async function joinObjects(bucket: Bucket, key: string, sources: readonly Source[]): Promise<number> {
  const multipart = await createMultipart(bucket, key);
  try {
    const parts = await partsOf(bucket, multipart, sources);
    await completeMultipart(bucket, multipart, parts);
    return parts.reduce((sum, { size }) => sum + size, 0);
  } catch (error) {
    await abortMultipart(bucket, multipart).catch(() => {});
    throw error;
  }
}

async function partsOf(bucket: Bucket, multipart: Multipart, sources: readonly Source[]): Promise<Part[]> {
  const parts: Part[] = [];
  let waiting: Uint8Array = new Uint8Array();
  for (const { key, size } of sources) {
    let at = 0;
    if (waiting.length > 0 || size < LEAST_PART) {
      // Up to where the bytes that wait are a part, or all of it, so that nothing short is left for S3 to copy.
      const short = LEAST_PART - waiting.length;
      at = size - short >= LEAST_PART ? short : size;
      const more = await objectSource(bucket, key, size).slice(0, at).bytes();
      waiting = Buffer.concat([waiting, more]);
      if (waiting.length >= LEAST_PART) {
        parts.push(await uploadPart(bucket, multipart, parts.length + 1, waiting));
        waiting = new Uint8Array();
      }
    }
    if (at < size) parts.push(...(await copyParts(bucket, multipart, parts.length, { key, size }, at)));
  }
  if (waiting.length > 0) parts.push(await uploadPart(bucket, multipart, parts.length + 1, waiting));
  return parts;
}

/** Copies an object, from a place on, into parts after a number; none is shorter than S3 takes. */
export async function copyParts(
  bucket: Bucket,
  multipart: Multipart,
  after: number,
  { key, size }: Source,
  from = 0,
): Promise<Part[]> {
  const count = Math.ceil((size - from) / MOST_COPIED);
  const each = Math.ceil((size - from) / count);
  const parts: Part[] = [];
  for (let start = from; start < size; start += each) {
    const end = Math.min(start + each, size) - 1;
    // S3 wants no range where it is the whole: of a short object it refuses one.
    const range = start === 0 && end === size - 1 ? {} : { range: { start, end } };
    parts.push(await copyPart(bucket, multipart, after + parts.length + 1, { key, size, ...range }));
  }
  return parts;
}
