import { z } from '@hono/zod-openapi';
import { Problem } from '@tertulia/shared/http/problem';
import type { RenditionRow } from './renditions.repository.ts';

/** Folders and a file, each of letters, digits, and single dots, hyphens and underscores between them. */
const NAME = /^(?=.{1,200}$)[a-z0-9]+(?:[._-][a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-][a-z0-9]+)*){0,3}$/i;

export const renditionName = z
  .string()
  .regex(NAME)
  .openapi({ description: 'As the list names it; it may hold slashes.', example: 'hls/master.m3u8' });

/** The name that a path asks for. @throws {Problem} `not_found` for what can't be one */
export function nameOf(given: string | undefined): string {
  if (given === undefined || !NAME.test(given)) throw new Problem('not_found');
  return given;
}

export const renditionSchema = z
  .object({
    name: renditionName,
    mimeType: z.string().meta({ example: 'image/webp' }),
    size: z.int().openapi({ description: 'Bytes.' }),
    width: z.int().optional(),
    height: z.int().optional(),
    url: z.string().openapi({ description: 'On this service, as the links of a media are.' }),
  })
  .openapi('Rendition');

/** `base` is the path that the list itself has. */
export function toRendition(row: RenditionRow, base: string): z.infer<typeof renditionSchema> {
  return {
    name: row.name,
    mimeType: row.mimeType,
    size: row.size,
    ...(row.width === null ? {} : { width: row.width }),
    ...(row.height === null ? {} : { height: row.height }),
    url: `${base}/${row.name}`,
  };
}
