import type { Sql } from '@tertulia/shared/db/database';
import { listenForever } from '@tertulia/shared/db/listen';
import { createBell, type Loop, pause, startLoop } from '@tertulia/shared/runtime/loop';
import type { Deps } from '../deps.ts';
import { KEYS_CHANNEL } from './keys.repository.ts';
import { tendKeys } from './keys.service.ts';

/** Behind NOTIFY, for what that lost. */
const POLL_MS = 10_000;
const TEND_MS = 3600_000;

/** Keeps a replica's keys the same as the database's, and looks once an hour whether they are too old. */
export function startKeyWatch(deps: Deps, sql: Sql, pollMs = POLL_MS): Loop {
  const { keys, log } = deps;
  const bell = createBell();
  const listening = listenForever(sql, KEYS_CHANNEL, bell.ring, log);
  const reloading = startLoop(async (signal) => {
    while (!signal.aborted) {
      await bell.wait(pollMs, signal);
      if (!signal.aborted) await keys.reload().catch((err) => log.warn({ err }, 'keys not reloaded'));
    }
  });
  const tending = startLoop(async (signal) => {
    while (!signal.aborted) {
      await tendKeys(deps).catch((err) => log.warn({ err }, 'keys not tended'));
      await pause(TEND_MS, signal);
    }
  });
  return {
    async stop() {
      await Promise.all([listening.stop(), reloading.stop(), tending.stop()]);
    },
  };
}
