import type { Db } from '@tertulia/shared/db/database';
import { Problem } from '@tertulia/shared/http/problem';
import { type Loop, pause, startLoop } from '@tertulia/shared/runtime/loop';
import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm';
import { media } from '../db/schema.ts';
import type { Deps } from '../deps.ts';
import { type Inspected, inspect, limitsOf } from './inspect.ts';

const BATCH = 20;
/** Between two files, so that requests come first. */
const REST_MS = 50;
const RETRY_MS = 60_000;
const NONE = '00000000-0000-0000-0000-000000000000';

type Backfilled = Pick<Deps, 'blobs' | 'db' | 'env' | 'log'>;

/**
 * Looks at media from before files were looked into, once: until then their bytes are their owners' alone. What
 * would be refused today stays so, and is told to the log.
 *
 * @returns how many it has looked at
 */
export async function backfill(deps: Backfilled, signal: AbortSignal): Promise<number> {
  let looked = 0;
  for (let after = NONE; !signal.aborted; ) {
    const rows = await deps.db
      .select({ id: media.id, blobKey: media.blobKey })
      .from(media)
      .where(and(isNull(media.redactions), gt(media.id, after)))
      .orderBy(asc(media.id))
      .limit(BATCH);
    for (const row of rows) {
      if (signal.aborted) return looked;
      await lookAt(deps, row);
      looked += 1;
      after = row.id;
      await pause(REST_MS, signal);
    }
    if (rows.length < BATCH) return looked;
  }
  return looked;
}

type Old = { id: string; blobKey: string };

/**
 * Looks into one media of before, and notes what is found.
 *
 * @throws {Problem} `not_found` when its bytes are gone, or would be refused today
 */
export async function lookInto({ blobs, db, env, log }: Backfilled, { id, blobKey }: Old) {
  const file = await blobs.source(blobKey);
  if (file === undefined) throw new Problem('not_found');
  try {
    const inspected = await inspect(file, limitsOf(env));
    await note(db, id, inspected);
    return { redactions: inspected.redactions, redactedSha256: inspected.redactedSha256 ?? null };
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error;
    log.warn({ mediaId: id, code: error.code }, 'a media of before would be refused today');
    throw new Problem('not_found', undefined, { cause: error });
  }
}

async function lookAt(deps: Backfilled, old: Old): Promise<void> {
  await lookInto(deps, old).catch((error) => {
    if (!(error instanceof Problem)) throw error;
  });
}

async function note(db: Db, id: string, { width, height, durationMs, ...rest }: Inspected): Promise<void> {
  const { redactions, redactedSha256 } = rest;
  await db
    .update(media)
    .set({
      ...{ width, height, durationMs, redactions, redactedSha256: redactedSha256 ?? null },
      updatedAt: sql`greatest(now(), ${media.updatedAt} + interval '1 millisecond')`,
    })
    .where(and(eq(media.id, id), isNull(media.redactions)));
}

/** Runs it until it has come to the end. */
export function startBackfill(deps: Backfilled): Loop {
  return startLoop(async (signal) => {
    while (!signal.aborted) {
      try {
        await backfill(deps, signal);
        return;
      } catch (err) {
        deps.log.warn({ err }, 'media of before not looked into');
        await pause(RETRY_MS, signal);
      }
    }
  });
}
