import { commonEnv, databaseUrl, port, tokenEnv } from '@tertulia/shared/config/common';
import { integer } from '@tertulia/shared/config/env';
import type { z } from 'zod';

export const notificationsEnv = commonEnv.extend(tokenEnv.shape).extend({
  NOTIFICATIONS_PORT: port(5903, 'notifications'),
  NOTIFICATIONS_DATABASE_URL: databaseUrl('notifications'),
  CONNECTIONS_PER_USER: integer(1, 1000).default(10).describe('Sockets of one user; the oldest is closed.'),
  PING_SECONDS: integer(1, 600).default(25).describe('Time between pings on a socket.'),
});

export type NotificationsEnv = z.infer<typeof notificationsEnv>;
