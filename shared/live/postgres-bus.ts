import type { Sql } from '../db/database.ts';
import { createTopics, fitting, type LiveBus } from './bus.ts';

const CHANNEL = 'live';

/**
 * {@link LiveBus} on Postgres' NOTIFY, for installations without Redis: every node hears every hint and
 * drops those that nobody here listens to.
 */
export async function postgresBus(sql: Sql): Promise<LiveBus> {
  const { add, remove, deliver } = createTopics();
  const gaps: (() => void)[] = [];
  let listenedBefore = false;
  const listening = await sql.listen(
    CHANNEL,
    (payload) => {
      const at = payload.indexOf('\n');
      deliver(payload.slice(0, at), payload.slice(at + 1));
    },
    () => {
      if (listenedBefore) for (const listener of gaps) listener();
      listenedBefore = true;
    },
  );

  return {
    async publish(topic, message) {
      await sql`select pg_notify(${CHANNEL}, ${`${topic}\n${fitting(message)}`})`;
    },
    async subscribe(topic, listener) {
      add(topic, listener);
      return () => {
        remove(topic, listener);
      };
    },
    onGap(listener) {
      gaps.push(listener);
    },
    ping: () => sql`select 1`,
    async close() {
      await listening.unlisten().catch(() => {});
    },
  };
}
