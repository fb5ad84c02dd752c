import type { Db } from '@tertulia/shared/db/database';
import type { Log } from '@tertulia/shared/runtime/log';
import { every, type Loop } from '@tertulia/shared/runtime/loop';
import { eraseOldPersonal } from './audit.repository.ts';

const SWEEP_MS = 600_000;
const BATCH = 1000;

/** Erases what names anybody and is older than so many days, in batches; the events stay, and stay sealed. */
export async function sweepPersonal(db: Db, days: number): Promise<void> {
  const before = new Date(Date.now() - days * 86_400_000);
  while ((await eraseOldPersonal(db, before, BATCH)) === BATCH);
}

/** Sweeps now and then, in every replica: two at once do no harm. */
export function startPersonalSweep(db: Db, days: number, log: Log): Loop {
  return every(
    SWEEP_MS,
    () => sweepPersonal(db, days),
    (err) => log.warn({ err }, 'old personal data not erased'),
  );
}
