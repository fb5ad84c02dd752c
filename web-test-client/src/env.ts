import { commonEnv, port } from '@tertulia/shared/config/common';
import { z } from 'zod';

const publicUrl = (service: string, variable: string) =>
  z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(`Where browsers reach ${service}. Unset: the host of the page, at \`${variable}\`.`);

export const webEnv = commonEnv.extend({
  WEB_PORT: port(8080, 'the web test client'),
  AUTH_PORT: port(5900, 'auth'),
  MEDIA_PORT: port(5901, 'media'),
  COMMENTS_PORT: port(5902, 'comments'),
  NOTIFICATIONS_PORT: port(5903, 'notifications'),
  AUTH_PUBLIC_URL: publicUrl('auth', 'AUTH_PORT'),
  MEDIA_PUBLIC_URL: publicUrl('media', 'MEDIA_PORT'),
  COMMENTS_PUBLIC_URL: publicUrl('comments', 'COMMENTS_PORT'),
  NOTIFICATIONS_PUBLIC_URL: publicUrl('notifications', 'NOTIFICATIONS_PORT'),
});

export type WebEnv = z.infer<typeof webEnv>;
