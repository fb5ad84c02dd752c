import type { MediaEnv } from '../env.ts';
import type { RequestContext } from '../request-context.ts';

/**
 * Where clients reach this service: as the setting says, else where the caller's own request went. A `Host`
 * that lies misleads only who sent it: the answer is for him alone, and nothing of it is kept.
 */
export function publicUrl(
  { MEDIA_PUBLIC_URL }: Pick<MediaEnv, 'MEDIA_PUBLIC_URL'>,
  c: RequestContext,
): string {
  return MEDIA_PUBLIC_URL === undefined ? new URL(c.req.url).origin : MEDIA_PUBLIC_URL.replace(/\/+$/, '');
}
