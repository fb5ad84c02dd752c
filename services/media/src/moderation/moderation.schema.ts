import { z } from '@hono/zod-openapi';
import { id, instant, line } from '@tertulia/shared/http/fields';
import { pageQuery } from '@tertulia/shared/http/pages';
import { MODERATION_ACTIONS, type moderationLog } from '../db/schema.ts';

export const moderationBody = z
  .strictObject({
    action: z.enum(MODERATION_ACTIONS).openapi({
      description:
        '`hide`: its owner and moderators alone see it. `remove`: into the trash, whence only moderators take it. `restore` takes either back, or dismisses reports.',
    }),
    reason: line(1, 500).openapi({ description: 'Its owner is told.' }),
  })
  .openapi('Moderation');
export type Moderation = z.infer<typeof moderationBody>;

export const logQuery = pageQuery.extend({ mediaId: id().optional() });

export const logEntrySchema = z
  .object({
    id: id(),
    mediaId: id(),
    moderatorId: id().nullable().openapi({ description: 'Null: reports, or a moderator who has gone.' }),
    action: z.enum(MODERATION_ACTIONS),
    reason: z.string(),
    createdAt: instant(),
  })
  .openapi('ModerationLogEntry');

export type LogRow = typeof moderationLog.$inferSelect;

export const toLogEntry = (row: LogRow) => ({
  id: row.id,
  mediaId: row.mediaId,
  moderatorId: row.moderatorId,
  action: row.action,
  reason: row.reason,
  createdAt: row.createdAt.toISOString(),
});
