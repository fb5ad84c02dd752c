import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { ByteRange } from './blob-store.ts';
import { type Bucket, onS3, unlessMissing } from './s3-client.ts';

/** Smaller parts are taken as the last alone. */
export const LEAST_PART = 5 * 1024 * 1024;
/** Largest range that S3 copies into one part. */
export const MOST_COPIED = 5 * 1024 ** 3;
/** S3 takes 10,000; some are left for what does not come in whole parts. */
const MOST_PARTS = 9900;

/** A multipart upload: `id` is what S3 calls it, and `key` the object that it becomes. */
export type Multipart = { key: string; id: string };
export type Part = { number: number; size: number; etag: string };

/** Size of parts in which files of up to `most` bytes fit. All but the last are equal, as some servers want it. */
export const partSizeFor = (most: number): number => Math.max(LEAST_PART, Math.ceil(most / MOST_PARTS));

export const createMultipart = ({ client, name }: Bucket, key: string): Promise<Multipart> =>
  onS3(async () => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: name, Key: key }));
    if (UploadId === undefined) throw new Error('S3 gave no id of a multipart upload');
    return { key, id: UploadId };
  });

/** The parts after a number, in order; undefined when there is no such upload (any more). */
export async function listParts(
  { client, name }: Bucket,
  { key, id }: Multipart,
  after = 0,
): Promise<Part[] | undefined> {
  const parts: Part[] = [];
  let marker: string | undefined = after === 0 ? undefined : String(after);
  do {
    const command: ListPartsCommand = new ListPartsCommand({
      Bucket: name,
      Key: key,
      UploadId: id,
      ...(marker === undefined ? {} : { PartNumberMarker: marker }),
    });
    const page = await onS3(() => unlessMissing(client.send(command)));
    if (page === undefined) return undefined;
    for (const { PartNumber, Size, ETag } of page.Parts ?? []) {
      parts.push({ number: PartNumber ?? 0, size: Size ?? 0, etag: ETag ?? '' });
    }
    marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return parts;
}

export const uploadPart = (
  { client, name }: Bucket,
  { key, id }: Multipart,
  number: number,
  body: Uint8Array,
): Promise<Part> =>
  onS3(async () => {
    const { ETag } = await client.send(
      new UploadPartCommand({ Bucket: name, Key: key, UploadId: id, PartNumber: number, Body: body }),
    );
    return { number, size: body.length, etag: ETag ?? '' };
  });

/** Has S3 copy an object, or a range of it, into a part. */
export const copyPart = (
  { client, name }: Bucket,
  { key, id }: Multipart,
  number: number,
  source: { key: string; size: number; range?: ByteRange },
): Promise<Part> =>
  onS3(async () => {
    const { range } = source;
    const { CopyPartResult } = await client.send(
      new UploadPartCopyCommand({
        Bucket: name,
        Key: key,
        UploadId: id,
        PartNumber: number,
        CopySource: `${name}/${source.key}`,
        ...(range === undefined ? {} : { CopySourceRange: `bytes=${range.start}-${range.end}` }),
      }),
    );
    const size = range === undefined ? source.size : range.end - range.start + 1;
    return { number, size, etag: CopyPartResult?.ETag ?? '' };
  });

/** Makes the object. False when there is no such upload (any more): another call may have made it. */
export const completeMultipart = (
  { client, name }: Bucket,
  { key, id }: Multipart,
  parts: readonly Part[],
): Promise<boolean> =>
  onS3(async () => {
    const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
    const command = new CompleteMultipartUploadCommand({
      Bucket: name,
      Key: key,
      UploadId: id,
      MultipartUpload: { Parts },
    });
    return (await unlessMissing(client.send(command))) !== undefined;
  });

/** Does nothing when there is no such upload. */
export const abortMultipart = ({ client, name }: Bucket, { key, id }: Multipart): Promise<unknown> =>
  onS3(() =>
    unlessMissing(client.send(new AbortMultipartUploadCommand({ Bucket: name, Key: key, UploadId: id }))),
  );

/** Multipart uploads under way, by pages of a thousand. */
export async function* listMultiparts(
  { client, name }: Bucket,
  prefix: string,
): AsyncGenerator<Multipart & { begun: Date }> {
  let after: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (after !== undefined) {
    const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
      Bucket: name,
      Prefix: prefix,
      ...after,
    });
    const page = await onS3(() => client.send(command));
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key !== undefined && UploadId !== undefined) {
        yield { key: Key, id: UploadId, begun: Initiated ?? new Date() };
      }
    }
    const { NextKeyMarker, NextUploadIdMarker } = page;
    after =
      page.IsTruncated && NextKeyMarker !== undefined
        ? {
            KeyMarker: NextKeyMarker,
            ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
          }
        : undefined;
  }
}
