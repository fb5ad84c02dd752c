import { z } from '@hono/zod-openapi';
import { MEDIA_KINDS, VISIBILITIES } from '@tertulia/shared/events/catalog';
import type { Caller } from '@tertulia/shared/http/context';
import { id, instant, line, paragraph } from '@tertulia/shared/http/fields';
import { pageQuery } from '@tertulia/shared/http/pages';
import type { media } from '../db/schema.ts';
import { sha256For } from './original.ts';

export type MediaRow = Omit<typeof media.$inferSelect, 'search'>;
export type Media = z.infer<typeof mediaSchema>;

const title = () => line(1, 200);
const description = () => paragraph(0, 5000);
const visibility = () => z.enum(VISIBILITIES).openapi({ description: 'Who may see it.' });
const tags = () =>
  z
    .array(line(1, 50))
    .max(20, 'are more than 20')
    // `Sea` and `sea` are one tag, as spelled first.
    .transform((list) => {
      const keys = list.map(tagKey);
      return list.filter((_, at) => keys.indexOf(keys[at] ?? '') === at);
    });

/** What tags are compared by. They are NFC and trimmed already. */
export const tagKey = (tag: string) => tag.toLowerCase();

const keepMetadata = () =>
  z
    .boolean()
    .openapi({ description: 'Whether others get what a camera wrote into the file: time, place, device.' });

/** What comes with a file, as text: in `Upload-Metadata` or as fields of a form. */
export const detailsSchema = z.object({
  title: title().optional(),
  description: description().default(''),
  visibility: visibility().default('public'),
  tags: z
    .string()
    .max(4096, 'are too long')
    .transform((text) => text.split(',').flatMap((tag) => tag.trim() || []))
    .pipe(tags())
    .default([])
    .openapi({ type: 'string', description: 'Comma-separated.', example: 'garden, spring' }),
  keepMetadata: z
    .enum(['true', 'false'], 'is true or false')
    .default('false')
    .transform((text) => text === 'true')
    .pipe(keepMetadata())
    .openapi({ type: 'string', enum: ['true', 'false'] }),
});
export type Details = z.infer<typeof detailsSchema>;

export const changeBody = z
  .strictObject({
    title: title().optional(),
    description: description().optional(),
    visibility: visibility().optional(),
    tags: tags().optional(),
    keepMetadata: keepMetadata().optional(),
  })
  .openapi('MediaChange');
export type MediaChange = z.infer<typeof changeBody>;

export const mediaSchema = z
  .object({
    id: id(),
    ownerId: id(),
    ownerUsername: z.string(),
    kind: z.enum(MEDIA_KINDS).openapi({ description: "From the file's own bytes." }),
    mimeType: z.string().meta({ example: 'image/png' }),
    filename: z.string(),
    title: z.string(),
    description: z.string(),
    tags: z.array(z.string()),
    visibility: visibility(),
    size: z.int().openapi({ description: 'Bytes.' }),
    sha256: z.string().openapi({ description: 'Of the content as the caller gets it, in hex.' }),
    width: z.int().optional(),
    height: z.int().optional(),
    durationMs: z.int().optional(),
    keepMetadata: keepMetadata().optional().openapi({ description: 'Shown to its owner alone.' }),
    status: z.enum(['processing', 'ready', 'failed']),
    likes: z.int(),
    liked: z.boolean().optional().openapi({ description: 'By the caller, where there is one.' }),
    hidden: z
      .literal(true)
      .optional()
      .openapi({ description: 'By moderation: its owner and moderators alone see it.' }),
    hiddenReason: z.string().optional(),
    deletedAt: instant().optional().openapi({ description: 'In the trash since.' }),
    createdAt: instant(),
    updatedAt: instant(),
    links: z.object({ self: z.string(), content: z.string(), renditions: z.string() }),
  })
  .openapi('Media');

export const SORTS = ['newest', 'oldest', 'largest'] as const;
export type Sort = (typeof SORTS)[number];

/** What a cursor holds of a list that goes by time. To the year 9999, as Postgres takes no more in this form. */
export const timePlace = z.object({ at: z.int().min(0).max(253_402_300_799_999), id: z.uuid() });

export const listQuery = pageQuery.extend({
  owner: z
    .union([z.literal('me'), id()])
    .optional()
    .openapi({ description: 'A user id, or `me`.' }),
  kind: z.enum(MEDIA_KINDS).optional(),
  visibility: visibility().optional(),
  tag: line(1, 50).transform(tagKey).optional().openapi({ description: 'In any case.' }),
  q: line(0, 200).default('').openapi({
    description: 'Words of title, tags or description, or how they start. Accents and case do not matter.',
  }),
  sort: z.enum(SORTS).default('newest'),
});
export type ListQuery = z.infer<typeof listQuery>;

/** At most so many words of a query are looked for. */
const WORDS = 12;

/** The words of a query, as the index parts them: letters and digits, nothing that means something there. */
export const wordsOf = (q: string) => (q.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).slice(0, WORDS);

/** As this caller gets it: of bytes that differ for others, the digest does too. */
export function toMedia(row: MediaRow, caller: Caller | undefined, liked?: boolean): Media {
  return {
    id: row.id,
    ownerId: row.ownerId,
    ownerUsername: row.ownerUsername,
    kind: row.kind,
    mimeType: row.mimeType,
    filename: row.filename,
    title: row.title,
    description: row.description,
    tags: row.tags,
    visibility: row.visibility,
    size: row.size,
    sha256: sha256For(caller, row),
    ...(row.width === null ? {} : { width: row.width }),
    ...(row.height === null ? {} : { height: row.height }),
    ...(row.durationMs === null ? {} : { durationMs: row.durationMs }),
    ...(caller?.userId === row.ownerId ? { keepMetadata: row.keepMetadata } : {}),
    status: row.status,
    likes: row.likes,
    ...(caller === undefined || liked === undefined ? {} : { liked }),
    ...(row.hiddenAt === null ? {} : { hidden: true as const, hiddenReason: row.hiddenReason ?? '' }),
    ...(row.deletedAt === null ? {} : { deletedAt: row.deletedAt.toISOString() }),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    links: {
      self: `/media/${row.id}`,
      content: `/media/${row.id}/content`,
      renditions: `/media/${row.id}/renditions`,
    },
  };
}
