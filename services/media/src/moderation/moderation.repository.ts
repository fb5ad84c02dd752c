import type { Executor, Tx } from '@tertulia/shared/db/database';
import { and, desc, eq, inArray, lt } from 'drizzle-orm';
import { moderationLog } from '../db/schema.ts';
import type { LogRow } from './moderation.schema.ts';

type Entry = Omit<typeof moderationLog.$inferInsert, 'id'>;

export async function insertLogEntry(tx: Tx, entry: Entry): Promise<void> {
  await tx.insert(moderationLog).values({ id: Bun.randomUUIDv7(), ...entry });
}

type Page = { mediaId: string | undefined; after: string | undefined; limit: number };

/** Newest first; one row more than asked for, when there is more. */
export async function listLog(db: Executor, { mediaId, after, limit }: Page): Promise<LogRow[]> {
  return db
    .select()
    .from(moderationLog)
    .where(
      and(
        mediaId ? eq(moderationLog.mediaId, mediaId) : undefined,
        after ? lt(moderationLog.id, after) : undefined,
      ),
    )
    .orderBy(desc(moderationLog.id))
    .limit(limit + 1);
}

/** What was done stays; who did it goes with the account. Returns how many entries it was, at most `limit`. */
export async function forgetModerator(db: Executor, userId: string, limit: number): Promise<number> {
  const some = db
    .select({ id: moderationLog.id })
    .from(moderationLog)
    .where(eq(moderationLog.moderatorId, userId))
    .limit(limit);
  const rows = await db
    .update(moderationLog)
    .set({ moderatorId: null })
    .where(inArray(moderationLog.id, some))
    .returning({ id: moderationLog.id });
  return rows.length;
}
