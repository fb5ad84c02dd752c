import type { Executor } from '@tertulia/shared/db/database';
import { and, asc, eq, gt, inArray } from 'drizzle-orm';
import { renditions } from '../db/schema.ts';

export type RenditionRow = typeof renditions.$inferSelect;

/** By name; one row more than asked for, when there is more. */
export async function listRenditions(
  db: Executor,
  mediaId: string,
  { limit, after }: { limit: number; after: string | undefined },
): Promise<RenditionRow[]> {
  return db
    .select()
    .from(renditions)
    .where(and(eq(renditions.mediaId, mediaId), after === undefined ? undefined : gt(renditions.name, after)))
    .orderBy(asc(renditions.name))
    .limit(limit + 1);
}

/** Keys of all blobs that were made of these media. */
export async function renditionKeysOf(db: Executor, mediaIds: readonly string[]): Promise<string[]> {
  const rows = await db
    .select({ key: renditions.blobKey })
    .from(renditions)
    .where(inArray(renditions.mediaId, [...mediaIds]));
  return rows.map(({ key }) => key);
}
