import type { Log } from '../runtime/log.ts';
import { type Loop, pause } from '../runtime/loop.ts';
import type { Sql } from './database.ts';

const RETRY_MS = 1000;

/**
 * LISTEN that survives a database that is away at first; postgres.js takes care of later losses.
 * `onNotify` is also called whenever listening begins, as something may have been missed until then.
 */
export function listenForever(sql: Sql, channel: string, onNotify: () => void, log: Log): Loop {
  const controller = new AbortController();
  const running = (async () => {
    while (!controller.signal.aborted) {
      try {
        return await sql.listen(channel, onNotify, onNotify);
      } catch (err) {
        log.warn({ err, channel }, 'not listening yet');
        await pause(RETRY_MS, controller.signal);
      }
    }
    return undefined;
  })();
  return {
    async stop() {
      controller.abort();
      await (await running)?.unlisten().catch(() => {});
    },
  };
}
