import { z } from '@hono/zod-openapi';
import { instant } from '@tertulia/shared/http/fields';
import { MAX_SECONDS, MIN_SECONDS, type Rotation } from './url-keys.ts';

export const signBody = z
  .strictObject({
    expiresIn: z
      .int()
      .min(MIN_SECONDS)
      .max(MAX_SECONDS)
      .default(3600)
      .openapi({ description: 'Seconds: a minute to a week.' }),
  })
  .openapi('SignRequest');

export const signedUrlSchema = z
  .object({
    url: z.string().meta({ example: 'https://media.example.org/media/signed/EPn…/content' }),
    expiresAt: instant(),
  })
  .openapi('SignedUrl');

export const rotateBody = z
  .strictObject({
    revoke: z
      .boolean()
      .default(false)
      .openapi({ description: 'Every URL that was signed before stops working at once.' }),
  })
  .openapi('UrlKeyRotation');

export const urlKeySchema = z
  .object({
    id: z.string(),
    createdAt: instant(),
    removed: z.int().openapi({ description: 'Older keys that open nothing any more.' }),
  })
  .openapi('UrlKey');

/** Its secret never leaves. */
export function toUrlKey({ key, removed }: Rotation): z.infer<typeof urlKeySchema> {
  return { id: key.id, createdAt: key.createdAt.toISOString(), removed };
}
