import type { Log } from '../runtime/log.ts';
import { type Loop, pause, startLoop } from '../runtime/loop.ts';
import { connect } from './database.ts';
import { endStalled } from './stalled.ts';

/** The server closes a holder's connection that has been silent for so long, and with it the lock. */
const SILENCE_MS = 5000;
const BEAT_MS = 1000;
const RETRY_MS = 1000;
/** Beats between two looks for sessions that would block whoever leads. */
const LOOK_BEATS = 5;

type Options = {
  url: string;
  /** Name of what is led; one holder per name and database. */
  name: string;
  log: Log;
  /** Runs while the lock is held; its signal aborts when that is over. May throw: it is then run again. */
  lead(signal: AbortSignal): Promise<void>;
};

/**
 * Runs `lead` in one process at a time: who holds an advisory lock, which dies with its holder, be it killed
 * or merely stopped. This is for economy, not for safety: a holder that was thought dead may come back for
 * a moment, so what it does must be harmless twice.
 */
export function startLeader({ url, name, log, lead }: Options): Loop {
  return startLoop(async (stopped) => {
    while (!stopped.aborted) {
      const sql = connect(url, { name: `lead ${name}`, max: 1, forLock: SILENCE_MS });
      try {
        const [row] = await sql<{ pid: number; held: boolean }[]>`
          select pg_backend_pid() as pid, pg_try_advisory_lock(hashtext(${name})) as held`;
        // Told to stop while asking: that signal does not come again.
        if (row?.held && !stopped.aborted) await hold(row.pid);
      } catch (err) {
        if (!stopped.aborted) log.warn({ err, leader: name }, 'leadership lost');
      } finally {
        await sql.end({ timeout: 1 }).catch(() => {});
      }
      await pause(RETRY_MS, stopped);

      async function hold(pid: number): Promise<void> {
        const term = new AbortController();
        const end = () => term.abort();
        stopped.addEventListener('abort', end, { once: true });
        const beating = (async () => {
          for (let beat = 0; !term.signal.aborted; beat++) {
            // The one who led before may be stopped in mid-statement, its locks in hand.
            if (beat % LOOK_BEATS === 0 && (await endStalled(sql)) > 0) {
              log.warn({ leader: name }, 'ended a session that was stalled in mid-statement');
            }
            await pause(BEAT_MS, term.signal);
            if (term.signal.aborted) return;
            // postgres.js reconnects by itself: another backend means that the lock is gone.
            const [now] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
            if (now?.pid !== pid) throw new Error('the connection with the lock was lost');
          }
        })();
        const leading = lead(term.signal);
        try {
          await Promise.race([beating, leading]);
        } finally {
          term.abort();
          stopped.removeEventListener('abort', end);
          // Who stops us closes what we work with, and who leads again must not meet itself.
          await Promise.allSettled([beating, leading]);
        }
      }
    }
  });
}
