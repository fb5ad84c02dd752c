import { join } from 'node:path';
import { EnvError } from '@tertulia/shared/config/env';
import type { BlobStore } from '@tertulia/shared/storage/blob-store';
import { diskStore } from '@tertulia/shared/storage/disk-store';
import { diskUploadStore } from '@tertulia/shared/storage/disk-upload-store';
import type { UploadStore } from '@tertulia/shared/storage/upload-store';
import type { MediaEnv } from '../env.ts';

export type Stores = { blobs: BlobStore; uploads: UploadStore };

export type StoreSettings = Pick<
  MediaEnv,
  | 'DATA_DIR'
  | 'MEDIA_MAX_SIZE'
  | 'UPLOAD_FSYNC'
  | 'S3_ENDPOINT'
  | 'S3_BUCKET'
  | 'S3_ACCESS_KEY_ID'
  | 'S3_SECRET_ACCESS_KEY'
  | 'S3_REGION'
  | 'S3_DELIVERY'
  | 'S3_PUBLIC_ENDPOINT'
>;

/**
 * Where bytes lie, by the settings: a bucket, or this machine's disk.
 *
 * @throws {EnvError} when half of a bucket's settings are there
 */
export async function openStores(env: StoreSettings): Promise<Stores> {
  const { S3_ENDPOINT: endpoint, S3_BUCKET: bucket } = env;
  if (endpoint !== undefined && bucket !== undefined) return inBucket(env, endpoint, bucket);
  if (endpoint !== undefined) throw new EnvError(['S3_BUCKET: is required with S3_ENDPOINT']);
  if (bucket !== undefined) throw new EnvError(['S3_ENDPOINT: is required with S3_BUCKET']);
  return onDisk(env);
}

const folderIn = ({ DATA_DIR }: StoreSettings, name: string) => join(DATA_DIR, 'media', name);

async function onDisk(env: StoreSettings): Promise<Stores> {
  const blobs = await diskStore(folderIn(env, 'blobs'));
  const syncEach = env.UPLOAD_FSYNC === 'each';
  return { blobs, uploads: await diskUploadStore({ root: folderIn(env, 'uploads'), blobs, syncEach }) };
}

async function inBucket(env: StoreSettings, endpoint: string, bucket: string): Promise<Stores> {
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new EnvError(['S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY: both are needed, or neither']);
  }
  // The SDK is large, and on a disk nobody needs it.
  const [{ openBucket }, { s3Store }, { s3UploadStore }] = await Promise.all([
    import('@tertulia/shared/storage/s3-client'),
    import('@tertulia/shared/storage/s3-store'),
    import('@tertulia/shared/storage/s3-upload-store'),
  ]);
  const settings = { bucket, region: env.S3_REGION, accessKeyId, secretAccessKey };
  const opened = openBucket({ ...settings, endpoint });
  const signer = openBucket({ ...settings, endpoint: env.S3_PUBLIC_ENDPOINT ?? endpoint });
  const { presign, ...store } = s3Store(opened, signer);
  // Who may not be sent there is not offered it.
  const blobs = env.S3_DELIVERY === 'redirect' && presign !== undefined ? { ...store, presign } : store;
  const spool = folderIn(env, 'spool');
  return {
    blobs,
    uploads: await s3UploadStore({ bucket: opened, blobs, spool, maxSize: env.MEDIA_MAX_SIZE }),
  };
}
