import { startLeader } from '@tertulia/shared/db/leader';
import { isUnavailable } from '@tertulia/shared/db/unavailable';
import { type Loop, pause } from '@tertulia/shared/runtime/loop';
import type { Deps } from '../deps.ts';
import { dueSuspensions } from '../suspensions/suspensions.repository.ts';
import { endIfDue } from '../suspensions/suspensions.service.ts';
import { dueDeletions } from './account-end.repository.ts';
import { deleteIfDue } from './account-end.service.ts';

const SWEEP_MS = 5000;
const BATCH = 100;

/** Does to accounts what the clock demands: suspensions end, and ended accounts go. One process at a time. */
export function startAccountSweep(deps: Deps, url: string): Loop {
  return startLeader({
    url,
    name: 'account-sweep',
    log: deps.log,
    async lead(signal) {
      while (!signal.aborted) {
        const more = await sweepAccounts(deps);
        if (!more) await pause(SWEEP_MS, signal);
      }
    },
  });
}

/** One round, of at most {@link BATCH} each. True when there is more to do. */
export async function sweepAccounts(deps: Deps, batch = BATCH): Promise<boolean> {
  const ended = await each(deps, await dueSuspensions(deps.db, batch), endIfDue);
  const deleted = await each(deps, await dueDeletions(deps.db, batch), deleteIfDue);
  return ended === batch || deleted === batch;
}

/** One that fails does not keep the others: it comes again with the next round. Returns how many did not. */
async function each(
  deps: Deps,
  ids: readonly string[],
  work: (deps: Deps, id: string) => Promise<void>,
): Promise<number> {
  let done = 0;
  for (const userId of ids) {
    try {
      await work(deps, userId);
      done++;
    } catch (err) {
      if (isUnavailable(err)) throw err;
      deps.log.error({ err, userId }, 'account not swept');
    }
  }
  return done;
}
