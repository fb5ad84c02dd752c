import type { Db } from '@tertulia/shared/db/database';
import { Problem } from '@tertulia/shared/http/problem';
import { every, type Loop } from '@tertulia/shared/runtime/loop';
import { and, isNull, lte, sql } from 'drizzle-orm';
import { uploads } from '../db/schema.ts';
import type { Deps } from '../deps.ts';
import { conclude, isWhole } from './conclude.ts';
import type { UploadRow } from './uploads.repository.ts';
import { discard } from './uploads.service.ts';

const SWEEP_MS = 60_000;
const BATCH = 100;

/** Past its time, not finished, and not being written to on whichever node. */
const isAbandoned = ({ expiresAt, lockedUntil, mediaId }: UploadRow) =>
  mediaId === null &&
  expiresAt !== null &&
  expiresAt.getTime() <= Date.now() &&
  (lockedUntil === null || lockedUntil.getTime() <= Date.now());

async function abandoned(db: Db, limit: number): Promise<UploadRow[]> {
  return db
    .select()
    .from(uploads)
    .where(
      and(
        lte(uploads.expiresAt, sql`now()`),
        isNull(uploads.mediaId),
        sql`(${uploads.lockedUntil} is null or ${uploads.lockedUntil} <= now())`,
      ),
    )
    .orderBy(uploads.expiresAt)
    .limit(limit);
}

/**
 * Gives up uploads that were left alone for too long: their bytes go, what was reserved is free, the owner
 * hears of it. One that has all its bytes is finished instead. Returns how many there were, at most a batch.
 */
export async function sweepUploads(deps: Deps): Promise<number> {
  const found = await abandoned(deps.db, BATCH);
  let done = 0;
  for (const upload of found) {
    // A request at work on it, however long it takes, is not asked to let go.
    if (deps.locks.isHeld(upload.id)) continue;
    const hold = await deps.locks.acquire(upload.id);
    try {
      if (await settle(deps, upload)) done++;
    } catch (err) {
      deps.log.warn({ err, upload: upload.id }, 'upload not swept');
    } finally {
      hold.release();
    }
  }
  return done;
}

async function settle(deps: Deps, upload: UploadRow): Promise<boolean> {
  const offset = upload.sha256 === null ? await deps.uploads.size(upload) : (upload.length ?? 0);
  const isComplete = isWhole(upload, offset);
  // The parts of a final one are complete.
  const hasAll = upload.concat === 'final' || (isComplete && upload.concat === null);
  if (hasAll && upload.length !== 0) {
    try {
      await conclude(deps, upload, offset, undefined, undefined);
      return true;
    } catch (error) {
      // Refused for what it is: then nothing is left of it, and that was told.
      if (error instanceof Problem && error.status < 500) return true;
      throw error;
    }
  }
  // Nobody misses an upload of no bytes that was complete.
  return discard(deps, upload, isComplete ? undefined : 'expired', isAbandoned);
}

/** Sweeps every minute; batch after batch while there is more. */
export function startUploadSweep(deps: Deps): Loop {
  async function sweep(): Promise<void> {
    while ((await sweepUploads(deps)) === BATCH);
  }
  return every(SWEEP_MS, sweep, (err) => deps.log.warn({ err }, 'uploads not swept'));
}
