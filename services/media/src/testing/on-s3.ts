import type { S3Settings } from '@tertulia/shared/storage/s3-client';

/** A service's settings for a bucket. */
export const s3Variables = (settings: S3Settings): Record<string, string> => ({
  S3_ENDPOINT: settings.endpoint,
  S3_BUCKET: settings.bucket,
  S3_REGION: settings.region,
  S3_ACCESS_KEY_ID: settings.accessKeyId ?? '',
  S3_SECRET_ACCESS_KEY: settings.secretAccessKey ?? '',
});
