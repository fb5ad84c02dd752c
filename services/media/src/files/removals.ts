import { sweepIdempotencyKeys } from '@tertulia/shared/http/idempotency';
import { every, type Loop } from '@tertulia/shared/runtime/loop';
import type { Deps } from '../deps.ts';
import { checkUploads } from './check.ts';
import { dueRemovals, type Removal, strikeRemoval } from './removals.repository.ts';

const SWEEP_MS = 60_000;
const UPLOADS_MS = 3_600_000;
const BATCH = 100;
/** A form's file is written to until it is finished or cut, which takes seconds. */
const FORM_FILE_MS = 3_600_000;

/** Removes noted files. What fails stays noted, for the sweep: never a reason to fail the request. */
export async function carryOut({ db, blobs, uploads, log }: Deps, files: readonly Removal[]) {
  for (const file of files) {
    try {
      await (file.place === 'blob' ? blobs.remove(file.key) : uploads.remove(file.key));
      await strikeRemoval(db, file);
    } catch (err) {
      log.warn({ err, place: file.place }, 'file not removed yet');
    }
  }
}

/** Removes what was noted and is due, what forms left behind when the process was killed, and old keys. */
export async function sweep(deps: Deps): Promise<void> {
  await carryOut(deps, await dueRemovals(deps.db, BATCH));
  await deps.formFiles.removeOlder(new Date(Date.now() - FORM_FILE_MS));
  await sweepIdempotencyKeys(deps.db);
}

/** Lets go of what uploads left in the store and no row names: of generations given up, of processes killed. */
export async function sweepUploads({ db, blobs, uploads, log }: Deps): Promise<void> {
  const tell = (line: string) => log.info({ line }, 'upload without a row');
  await checkUploads({ db, blobs, uploads, fix: true, tell });
}

/** Sweeps at once and then every minute, and the store of uploads every hour. */
export function startSweeper(deps: Deps): Loop {
  const onError = (err: unknown) => deps.log.warn({ err }, 'files not swept');
  const first = sweep(deps).catch(onError);
  const loops = [
    every(SWEEP_MS, () => sweep(deps), onError),
    every(UPLOADS_MS, () => sweepUploads(deps), onError),
  ];
  return {
    async stop() {
      await first;
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}
