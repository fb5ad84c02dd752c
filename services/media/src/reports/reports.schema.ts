import { z } from '@hono/zod-openapi';
import type { Caller } from '@tertulia/shared/http/context';
import { instant, paragraph } from '@tertulia/shared/http/fields';
import { REPORT_REASONS } from '../db/schema.ts';
import { type MediaRow, mediaSchema, toMedia } from '../media/media.schema.ts';

export const reportBody = z
  .strictObject({ reason: z.enum(REPORT_REASONS), note: paragraph(0, 1000).optional() })
  .openapi('Report');
export type Report = z.infer<typeof reportBody>;

/** What was said of one media and is not decided upon. Nobody learns who has said it. */
export type OpenReports = { mediaId: string; reasons: Record<string, number>; notes: string[] };

export const reportedSchema = z
  .object({
    media: mediaSchema,
    reports: z.int().openapi({ description: 'Open ones.' }),
    reasons: z.record(z.string(), z.int()).openapi({ description: 'How many gave which.' }),
    notes: z.array(z.string()).openapi({ description: 'The latest few.' }),
    reportedAt: instant().openapi({ description: 'When the oldest open one came.' }),
  })
  .openapi('ReportedMedia');

export function toReported(row: MediaRow, caller: Caller, open: OpenReports | undefined) {
  return {
    media: toMedia(row, caller),
    reports: row.openReports,
    reasons: open?.reasons ?? {},
    notes: open?.notes ?? [],
    reportedAt: (row.reportedAt ?? row.updatedAt).toISOString(),
  };
}
