import { commonEnv, databaseUrl, port, redis, tokenEnv } from '@tertulia/shared/config/common';
import { integer } from '@tertulia/shared/config/env';
import type { z } from 'zod';

export const commentsEnv = commonEnv.extend(tokenEnv.shape).extend({
  COMMENTS_PORT: port(5902, 'comments'),
  COMMENTS_DATABASE_URL: databaseUrl('comments'),
  AUTH_REDIS_URL: redis('Redis for rate limits. Unset: they are kept in memory, for one replica.'),
  COMMENTS_PER_MINUTE: integer(1, 100_000).default(30).describe('New comments of one user.'),
  EDIT_WINDOW_MINUTES: integer(0, 525_600).default(15).describe('How long authors may edit what they wrote.'),
});

export type CommentsEnv = z.infer<typeof commentsEnv>;
