import { z } from 'zod';

/** Where blobs lie: in a bucket, when both its endpoint and its name are set. */
export const s3Env = z.object({
  S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('S3 server that keeps files, with `S3_BUCKET`. Unset: files are on the disk, in `DATA_DIR`.'),
  S3_BUCKET: z.string().min(3).optional().describe('Bucket of files. It must be there, and be private.'),
  S3_ACCESS_KEY_ID: z
    .string()
    .optional()
    .describe("Key of the bucket. Unset: the machine's role, as the AWS SDK finds it."),
  S3_SECRET_ACCESS_KEY: z.string().optional().describe("The key's secret."),
  S3_REGION: z.string().default('us-east-1').describe('Region of the bucket.'),
  S3_DELIVERY: z
    .enum(['stream', 'redirect'])
    .default('stream')
    .describe(
      '`redirect` sends browsers to the bucket, by an address that is good for a minute, for what goes out unchanged.',
    ),
  S3_PUBLIC_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The S3 server as browsers reach it, for `S3_DELIVERY=redirect`. Unset: `S3_ENDPOINT`.'),
});
