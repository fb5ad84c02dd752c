import { z } from '@hono/zod-openapi';
import { id, instant } from '@tertulia/shared/http/fields';
import { type notifications, PRIORITIES } from '../db/schema.ts';
import { NOTIFICATION_TYPES } from '../texts/texts.ts';

export const notificationSchema = z
  .object({
    id: z.uuid(),
    offset: z.int().openapi({ description: 'Where it stands in the stream `user:<id>`.' }),
    type: z.enum(NOTIFICATION_TYPES),
    title: z.string(),
    message: z.string(),
    priority: z.enum(PRIORITIES),
    data: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'Ids of what it is about, and a `link`.' }),
    read: z.boolean(),
    createdAt: instant(),
    expiresAt: instant().optional(),
  })
  .openapi('Notification');

export type NotificationRow = typeof notifications.$inferSelect;

export function toNotification(row: NotificationRow) {
  return {
    id: row.id,
    offset: row.entryOffset,
    type: row.type as (typeof NOTIFICATION_TYPES)[number],
    title: row.title,
    message: row.message,
    priority: row.priority,
    data: row.data,
    read: row.read,
    createdAt: row.createdAt.toISOString(),
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt.toISOString() }),
  };
}

const offset = z.int().nonnegative();

/** Which ones to mark: by id, up to an offset of the stream, or all. */
export const selectionSchema = z
  .union([
    z.strictObject({ ids: z.array(id()).min(1).max(1000) }),
    z.strictObject({ upTo: offset }),
    z.strictObject({ all: z.literal(true) }),
  ])
  .openapi('Selection');

export type Selection = z.infer<typeof selectionSchema>;

export const markedSchema = z.object({ updated: z.int(), unread: z.int() }).openapi('Marked');
export const unreadSchema = z.object({ unread: z.int() }).openapi('Unread');
