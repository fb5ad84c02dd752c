import type { Database } from '../db/database.ts';
import type { Log } from '../runtime/log.ts';
import { createBell, type Loop, pause, startLoop } from '../runtime/loop.ts';
import {
  findRevocations,
  loadRevocations,
  REVOCATIONS_CHANNEL,
  sweepRevocations,
} from './revocation-store.ts';
import type { Revocations } from './revocations.ts';

const SWEEP_MS = 60_000;
const RETRY_MS = 500;

type Options = {
  database: Pick<Database, 'db' | 'sql'>;
  revocations: Revocations;
  log: Log;
  /** Called when rows came in, for who tells others of it. */
  onNews?: () => void;
};

/**
 * Keeps what this process knows equal to its service's table: everything at start, so that auth may be away;
 * each new row by NOTIFY; and everything again when the listening was interrupted. Resolves once all is loaded.
 */
export async function listenForRevocations(options: Options): Promise<Loop> {
  const { database, revocations, log, onNews } = options;
  const { db, sql } = database;
  const bell = createBell();
  const named = new Set<number>();
  let everything = true;

  async function load(): Promise<void> {
    if (everything) {
      everything = false;
      named.clear();
      await loadRevocations(db, revocations.add);
    } else {
      const seqs = [...named];
      named.clear();
      if (seqs.length > 0) revocations.add(await findRevocations(db, seqs));
    }
    onNews?.();
  }

  const listening = await sql.listen(
    REVOCATIONS_CHANNEL,
    (payload) => {
      if (payload === '') everything = true;
      else for (const seq of payload.split(',')) named.add(Number(seq));
      bell.ring();
    },
    () => {
      everything = true;
      bell.ring();
    },
  );
  await load();

  let swept = Date.now();
  const loop = startLoop(async (signal) => {
    while (!signal.aborted) {
      await bell.wait(SWEEP_MS, signal);
      if (signal.aborted) return;
      try {
        if (everything || named.size > 0) await load();
        if (Date.now() - swept < SWEEP_MS) continue;
        swept = Date.now();
        revocations.sweep();
        await sweepRevocations(db);
      } catch (err) {
        log.warn({ err }, 'revocations not loaded; trying again');
        everything = true;
        await pause(RETRY_MS, signal);
        bell.ring();
      }
    }
  });
  return {
    async stop() {
      await listening.unlisten().catch(() => {});
      await loop.stop();
    },
  };
}
