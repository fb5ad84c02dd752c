import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { LRUCache } from 'lru-cache';
import type { BlobStore } from './blob-store.ts';
import { unlessAbsent } from './disk.ts';
import type { Bucket } from './s3-client.ts';
import { copyParts, joinObjects } from './s3-join.ts';
import {
  abortMultipart,
  completeMultipart,
  createMultipart,
  listMultiparts,
  listParts,
  type Multipart,
  type Part,
  partSizeFor,
  uploadPart,
} from './s3-multipart.ts';
import { copyObject, listObjects, openObject, removeObject, sizeOfObject } from './s3-objects.ts';
import { objectOf, PREFIX } from './s3-store.ts';
import { s3Writer, spooledWriter } from './s3-writer.ts';
import type { StoredUpload, UploadStore, UploadWriter } from './upload-store.ts';

const REMEMBERED = 10_000;
const SPOOL_MS = 3_600_000;

type Options = {
  bucket: Bucket;
  blobs: BlobStore;
  /** A local folder, for bytes that are not verified yet. */
  spool: string;
  /** Largest upload: parts are as large as it needs, 5 MiB up to 48 GiB. */
  maxSize: number;
};

/** What is in parts. `ended`: there is no multipart upload (any more), and these bytes are in the object. */
type Parts = { number: number; bytes: number; ended: boolean };

/**
 * Uploads as multipart uploads to the object that they become, so publishing copies nothing. Parts of one size;
 * what is beyond them lies in an object `uploads/<id>.<generation>/<offset>`. `storeRef` is S3's id, so any node
 * goes on where another stopped. Generations: the older multipart upload is completed, and its writer's parts are
 * refused from then on; S3 copies the object into a new multipart upload.
 */
export async function s3UploadStore({ bucket, blobs, spool, maxSize }: Options): Promise<UploadStore> {
  const partSize = partSizeFor(maxSize);
  await mkdir(spool, { recursive: true });
  await dropOld(spool);
  /** By `storeRef`: parts that are known stay as they are, so only those after them are asked for. */
  const seen = new LRUCache<string, Parts>({ max: REMEMBERED });

  const multipartOf = ({ blobKey }: StoredUpload, id: string): Multipart => ({ key: objectOf(blobKey), id });
  const inObject = async (upload: StoredUpload): Promise<Parts> => ({
    number: 0,
    bytes: (await sizeOfObject(bucket, objectOf(upload.blobKey))) ?? 0,
    ended: true,
  });

  function note(ref: string, { number, bytes }: Parts, parts: readonly Part[]): Parts {
    const all = { number, bytes, ended: false };
    for (const part of parts) {
      if (part.number !== all.number + 1) break;
      all.number = part.number;
      all.bytes += part.size;
    }
    seen.set(ref, all);
    return all;
  }

  async function look(upload: StoredUpload): Promise<Parts> {
    const ref = upload.storeRef;
    if (ref === null) return inObject(upload);
    const known = seen.get(ref) ?? { number: 0, bytes: 0, ended: false };
    const more = known.ended ? undefined : await listParts(bucket, multipartOf(upload, ref), known.number);
    if (more !== undefined) return note(ref, known, more);
    const object = await inObject(upload);
    seen.set(ref, object);
    return object;
  }

  /** A new multipart upload that begins with what the object has. */
  async function fromObject(upload: StoredUpload): Promise<string> {
    const key = objectOf(upload.blobKey);
    const size = (await sizeOfObject(bucket, key)) ?? 0;
    const multipart = await createMultipart(bucket, key);
    const parts = size === 0 ? [] : await copyParts(bucket, multipart, 0, { key, size });
    note(multipart.id, { number: 0, bytes: 0, ended: false }, parts);
    return multipart.id;
  }

  async function tailOf(upload: StoredUpload, at: number): Promise<Uint8Array> {
    const body = await openObject(bucket, tailAt(upload, at));
    return body === undefined ? new Uint8Array() : new Response(body).bytes();
  }

  async function writerAt(upload: StoredUpload, offset: number): Promise<UploadWriter> {
    const ref = upload.storeRef;
    if (ref === null) throw new Error('the upload was not begun');
    const parts = seen.get(ref) ?? (await look(upload));
    const tail = offset > parts.bytes ? await tailOf(upload, parts.bytes) : new Uint8Array();
    if (parts.ended || parts.bytes + tail.length !== offset) throw new Error('the upload does not end there');
    const { number, bytes: base } = parts;
    return s3Writer({
      ...{ bucket, multipart: multipartOf(upload, ref), partSize, base, number, tail },
      tailAt: (at) => tailAt(upload, at),
      stored: (part) => note(ref, seen.get(ref) ?? parts, [part]),
    });
  }

  async function complete(upload: StoredUpload): Promise<void> {
    const ref = upload.storeRef;
    const { ended, bytes, number } = await look(upload);
    if (ended || ref === null) {
      if (bytes === 0) throw new Error('there is nothing to complete');
      return;
    }
    const multipart = multipartOf(upload, ref);
    const tail = await tailOf(upload, bytes);
    if (tail.length > 0) await uploadPart(bucket, multipart, number + 1, tail);
    const parts = (await listParts(bucket, multipart)) ?? [];
    const isMade = await completeMultipart(bucket, multipart, parts);
    if (!isMade && (await sizeOfObject(bucket, multipart.key)) === undefined) {
      throw new Error('the multipart upload is gone, and there is no object');
    }
    seen.set(ref, { number: 0, bytes: bytes + tail.length, ended: true });
    await dropTails(upload).catch(() => {});
  }

  async function dropTails(upload: Pick<StoredUpload, 'id' | 'generation'>): Promise<void> {
    for await (const { key } of listObjects(bucket, folderOf(upload))) await removeObject(bucket, key);
  }

  return {
    async begin(upload) {
      const ref = upload.storeRef;
      if (ref === null) return (await createMultipart(bucket, objectOf(upload.blobKey))).id;
      // Cut short between the two steps of a new generation.
      return seen.get(ref)?.ended ? fromObject(upload) : ref;
    },
    async size(upload) {
      const { bytes } = await look(upload);
      return bytes + ((await sizeOfObject(bucket, tailAt(upload, bytes))) ?? 0);
    },
    append: (upload, offset, { tentative = false } = {}) =>
      tentative
        ? spooledWriter(join(spool, crypto.randomUUID()), partSize, () => writerAt(upload, offset))
        : writerAt(upload, offset),
    complete,
    read: (upload) => blobs.source(upload.blobKey),
    async join(into, parts) {
      const sources = [];
      for (const part of parts) {
        await complete(part);
        const key = objectOf(part.blobKey);
        sources.push({ key, size: (await sizeOfObject(bucket, key)) ?? 0 });
      }
      return joinObjects(bucket, objectOf(into.blobKey), sources);
    },
    async advance(upload, generation) {
      const ref = upload.storeRef;
      const parts = await look(upload);
      if (ref !== null && !parts.ended) {
        const multipart = multipartOf(upload, ref);
        const all = (await listParts(bucket, multipart)) ?? [];
        if (all.length === 0) await abortMultipart(bucket, multipart);
        else await completeMultipart(bucket, multipart, all);
        seen.set(ref, { ...parts, ended: true });
      }
      const next = await fromObject(upload);
      const at = seen.get(next)?.bytes ?? 0;
      const tail = tailAt(upload, at);
      if ((await sizeOfObject(bucket, tail)) !== undefined) {
        await copyObject(bucket, tail, tailAt({ ...upload, generation }, at));
      }
      return next;
    },
    publish: complete,
    nameOf: ({ storeRef, blobKey, ...upload }) => [nameOf(upload), blobKey, storeRef ?? ''].join('/'),
    async remove(name) {
      const [folder = '', blobKey = '', ...ref] = name.split('/');
      // Names are made of our own rows; this holds should a caller ever forget to.
      if (!FOLDER.test(folder)) throw new Error('not an upload of ours');
      const id = ref.join('/');
      if (id !== '') await abortMultipart(bucket, { key: objectOf(blobKey), id });
      for await (const { key } of listObjects(bucket, `uploads/${folder}/`)) await removeObject(bucket, key);
    },
    async *list() {
      for await (const { key, modified } of listObjects(bucket, 'uploads/')) {
        const [, folder = ''] = key.split('/');
        const [id = '', generation = '0'] = folder.split('.');
        const of = { id, generation: Number(generation) };
        if (FOLDER.test(folder)) yield { label: key, modified, of, remove: () => removeObject(bucket, key) };
      }
      for await (const { begun, ...multipart } of listMultiparts(bucket, PREFIX)) {
        const remove = () => abortMultipart(bucket, multipart);
        const label = `multipart upload of ${multipart.key}`;
        yield { label, modified: begun, of: { storeRef: multipart.id }, remove };
      }
    },
    ping: () => bucket.client.send(new HeadBucketCommand({ Bucket: bucket.name })),
  };
}

const FOLDER = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.\d{1,9})?$/;

type Generation = Pick<StoredUpload, 'id' | 'generation'>;

const nameOf = ({ id, generation }: Generation) => `${id}.${generation}`;
const folderOf = (upload: Generation) => `uploads/${nameOf(upload)}/`;
const tailAt = (upload: Generation, offset: number) => `${folderOf(upload)}${offset}`;

/** What a killed process left: nothing there counts. */
async function dropOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await unlessAbsent(stat(path));
    if (found !== undefined && Date.now() - found.mtimeMs > SPOOL_MS) await rm(path, { force: true });
  }
}
