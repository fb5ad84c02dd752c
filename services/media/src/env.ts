import { commonEnv, databaseUrl, port, tokenEnv } from '@tertulia/shared/config/common';
import { integer, list } from '@tertulia/shared/config/env';
import { s3Env } from '@tertulia/shared/config/s3';
import { parseRanges } from '@tertulia/shared/http/client-address';
import { z } from 'zod';

export const mediaEnv = commonEnv.extend({ ...tokenEnv.shape, ...s3Env.shape }).extend({
  MEDIA_PORT: port(5901, 'media'),
  MEDIA_DATABASE_URL: databaseUrl('media'),
  MEDIA_MAX_SIZE: integer(1, Number.MAX_SAFE_INTEGER)
    .default(20 * 1024 ** 3)
    .describe('Largest file that is taken, in bytes.'),
  QUOTA_BYTES: integer(0, Number.MAX_SAFE_INTEGER)
    .default(100 * 1024 ** 3)
    .describe(
      'Bytes that one user may store; an administrator may set another figure for a user. 0: no bound.',
    ),
  TRASH_DAYS: integer(0, 3650)
    .default(30)
    .describe('Days for which deleted media can be restored. 0: they are gone at once.'),
  MEDIA_REPORT_THRESHOLD: integer(1, 1000)
    .default(3)
    .describe('Distinct reporters at which a media is hidden until a moderator has decided.'),
  LIKES_PER_MINUTE: integer(1, 100_000)
    .default(120)
    .describe('Likes that one user may give or take back a minute.'),
  REPORTS_PER_HOUR: integer(1, 100_000)
    .default(30)
    .describe('Reports of media that one user may send an hour.'),
  ALBUM_CHANGES_PER_MINUTE: integer(1, 100_000)
    .default(300)
    .describe('Changes of albums and their items that one user may make a minute.'),
  IMAGE_MAX_PIXELS: integer(1, 2 ** 31)
    .default(64_000_000)
    .describe('Most pixels of a picture, or of any frame of it.'),
  IMAGE_MAX_FRAMES: integer(1, 100_000).default(1000).describe('Most frames of an animated picture.'),
  IMPORTS: z.enum(['on', 'off']).default('on').describe('Whether files may be imported by their address.'),
  IMPORT_ALLOW: list()
    .refine(areRanges, 'must be addresses or CIDR ranges')
    .default([])
    .describe('Addresses or CIDR ranges that imports may reach though they are not public, comma-separated.'),
  IMPORT_PORTS: list()
    .refine((ports) => ports.every((each) => /^[0-9]{1,5}$/.test(each)), 'must be port numbers')
    .default(['80', '443'])
    .describe('Ports that imports may reach, comma-separated.'),
  IMPORT_SECONDS: integer(1, 3600).default(120).describe('Time that an import may take.'),
  IMPORTS_PER_MINUTE: integer(1, 100_000).default(10).describe('Imports that one user may start a minute.'),
  MEDIA_PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Where clients reach media: signed URLs begin with it. Unset: where the request for one went; for the web client, the host of the page, at `MEDIA_PORT`.',
    ),
  URL_KEY_DAYS: integer(1, 3650)
    .default(30)
    .describe(
      'Age at which a new key signs URLs. Older ones open what they signed for as long as that lasts.',
    ),
  UPLOADS_PER_MINUTE: integer(1, 100_000).default(120).describe('Uploads that one user may start a minute.'),
  UPLOAD_EXPIRES_SECONDS: integer(1, 30 * 24 * 3600)
    .default(24 * 3600)
    .describe('Time after which an unfinished upload that nothing is added to is given up.'),
  UPLOAD_STALL_SECONDS: integer(1, 60)
    .default(30)
    .describe('Silence, or less than 256 bytes a second, after which a body is cut. What came is kept.'),
  UPLOAD_FSYNC: z
    .enum(['finish', 'each'])
    .default('finish')
    .describe(
      '`each` writes every part through to the disk: a loss of power then loses nothing acknowledged.',
    ),
});

function areRanges(texts: string[]): boolean {
  try {
    parseRanges(texts);
    return true;
  } catch {
    return false;
  }
}

export type MediaEnv = z.infer<typeof mediaEnv>;
