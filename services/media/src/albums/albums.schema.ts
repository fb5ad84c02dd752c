import { z } from '@hono/zod-openapi';
import { VISIBILITIES } from '@tertulia/shared/events/catalog';
import { etagOf } from '@tertulia/shared/http/conditional';
import { id, instant, line, paragraph } from '@tertulia/shared/http/fields';
import { pageQuery } from '@tertulia/shared/http/pages';
import type { albums } from '../db/schema.ts';

export type AlbumRow = typeof albums.$inferSelect;

const title = () => line(1, 200);
const description = () => paragraph(0, 5000);
const visibility = () =>
  z.enum(VISIBILITIES).openapi({ description: 'Of the album; a private media in it stays private.' });

export const albumBody = z
  .strictObject({
    title: title(),
    description: description().default(''),
    visibility: visibility().default('public'),
  })
  .openapi('NewAlbum');
export type NewAlbum = z.infer<typeof albumBody>;

export const albumChange = z
  .strictObject({
    title: title().optional(),
    description: description().optional(),
    visibility: visibility().optional(),
  })
  .openapi('AlbumChange');
export type AlbumChange = z.infer<typeof albumChange>;

export const albumsQuery = pageQuery.extend({
  owner: z
    .union([z.literal('me'), id()])
    .optional()
    .openapi({ description: 'A user id, or `me`.' }),
});

export const itemBody = z
  .strictObject({
    after: id().nullable().optional().openapi({
      description: 'The item that it comes after; null: it comes first. Left out, a new one comes last.',
    }),
  })
  .openapi('AlbumItem');

export const itemParam = z.object({ id: id(), mediaId: id() });

export const albumSchema = z
  .object({
    id: id(),
    ownerId: id(),
    ownerUsername: z.string(),
    title: z.string(),
    description: z.string(),
    visibility: visibility(),
    createdAt: instant(),
    updatedAt: instant(),
    links: z.object({ self: z.string(), items: z.string() }),
  })
  .openapi('Album');
export type Album = z.infer<typeof albumSchema>;

export const etagOfAlbum = ({ id, updatedAt }: AlbumRow) => etagOf(id, updatedAt.getTime());

/** Without a number of items: it would tell of those that the caller may not see. */
export const toAlbum = (row: AlbumRow): Album => ({
  id: row.id,
  ownerId: row.ownerId,
  ownerUsername: row.ownerUsername,
  title: row.title,
  description: row.description,
  visibility: row.visibility,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
  links: { self: `/albums/${row.id}`, items: `/albums/${row.id}/items` },
});
