import type { Executor } from '@tertulia/shared/db/database';
import { and, desc, eq, isNotNull, sql } from 'drizzle-orm';
import { media } from '../db/schema.ts';
import { mediaColumns } from '../media/media.repository.ts';
import type { MediaRow } from '../media/media.schema.ts';

/** Times here are of this service's clock, to the millisecond: an index and a cursor mean the same by them. */
type Place = { at: number; id: string };

/** An owner's, the latest deleted first; one row more than asked for, when there is more. */
export async function listTrash(
  db: Executor,
  ownerId: string,
  after: Place | undefined,
  limit: number,
): Promise<MediaRow[]> {
  return db
    .select(mediaColumns)
    .from(media)
    .where(
      and(
        eq(media.ownerId, ownerId),
        isNotNull(media.deletedAt),
        after &&
          sql`(${media.deletedAt}, ${media.id}) < (${new Date(after.at).toISOString()}::timestamptz, ${after.id}::uuid)`,
      ),
    )
    .orderBy(desc(media.deletedAt), desc(media.id))
    .limit(limit + 1);
}
