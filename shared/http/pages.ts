import { z } from '@hono/zod-openapi';
import { Problem } from './problem.ts';

/** Query parameters of every list. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20).openapi({ description: 'Items a page.' }),
  cursor: z.string().min(1).max(512).optional().openapi({ description: '`nextCursor` of the page before.' }),
});

export type PageQuery = z.infer<typeof pageQuery>;

/** The envelope of every list. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

export type Page<Item> = { items: Item[]; nextCursor: string | null };

/**
 * Keyset cursors: opaque to clients, they carry the last row's sort key, so they stay right under inserts
 * and deletes and cost the same at any depth. `scope` ties one to its list: another list's is a 400.
 */
export function cursorOf<Key extends z.ZodType>(scope: string, key: Key) {
  const shape = z.tuple([z.literal(digest(scope)), key]);
  return {
    encode: (value: z.input<Key>): string =>
      Buffer.from(JSON.stringify([digest(scope), value])).toString('base64url'),
    /** @throws {Problem} `invalid_page` for anything that this list did not hand out. */
    decode: (cursor: string | undefined): z.output<Key> | undefined => {
      if (cursor === undefined) return undefined;
      const parsed = shape.safeParse(parse(cursor));
      if (!parsed.success) throw new Problem('invalid_page', 'The cursor does not belong to this list.');
      return parsed.data[1] as z.output<Key>;
    },
  };
}

/**
 * Cuts rows to a page. Ask the database for `limit + 1` rows: the extra one tells that there is more.
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  present: (row: Row) => Item,
  cursor: (last: Row) => string,
): Page<Item> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map(present),
    nextCursor: rows.length > limit && last !== undefined ? cursor(last) : null,
  };
}

function digest(scope: string): string {
  return Bun.hash.wyhash(scope).toString(36);
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
