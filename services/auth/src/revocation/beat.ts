import type { Database } from '@tertulia/shared/db/database';
import type { LiveBus } from '@tertulia/shared/live/bus';
import type { Log } from '@tertulia/shared/runtime/log';
import { createBell, type Loop, pause, startLoop } from '@tertulia/shared/runtime/loop';
import { BEAT_TOPIC, toBeat } from '@tertulia/shared/tokens/revocation-beat';
import { listenForRevocations } from '@tertulia/shared/tokens/revocation-listener';
import { findRevocations } from '@tertulia/shared/tokens/revocation-store';
import type { Revocations } from '@tertulia/shared/tokens/revocations';
import { prepareListLatest } from './revocations.repository.ts';

const BEAT_MS = 500;
/** However many are revoked at once, beats keep this distance. */
const MIN_MS = 50;

type Options = { database: Pick<Database, 'db' | 'sql'>; bus: LiveBus; revocations: Revocations; log: Log };

/**
 * Auth's half of the feed: keeps this process's own memory up to date, and tells the others, twice a second
 * and right after each commit, which revocations are the latest. A beat may be lost: its absence is noticed.
 */
export async function startBeat({ database, bus, revocations, log }: Options): Promise<Loop> {
  const bell = createBell();
  const listLatest = prepareListLatest(database.db);
  const listener = await listenForRevocations({ database, revocations, log, onNews: bell.ring });

  async function beat(): Promise<void> {
    const latest = await listLatest();
    const missing = latest.filter((seq) => !revocations.has(seq));
    if (missing.length > 0) revocations.add(await findRevocations(database.db, missing));
    // Not awaited: a carrier that is away answers late, and this process must go on to look.
    bus.publish(BEAT_TOPIC, toBeat(latest)).catch((err: unknown) => log.debug({ err }, 'beat not carried'));
  }

  const loop = startLoop(async (signal) => {
    while (!signal.aborted) {
      await beat().catch((err: unknown) => log.debug({ err }, 'no beat'));
      await pause(MIN_MS, signal);
      await bell.wait(BEAT_MS - MIN_MS, signal);
    }
  });
  return {
    async stop() {
      await Promise.all([loop.stop(), listener.stop()]);
    },
  };
}
