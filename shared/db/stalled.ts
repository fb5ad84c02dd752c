import type { Sql } from './database.ts';

/** As long as a transaction may be idle; see `idle_in_transaction_session_timeout` in `connect`. */
const STALLED_SECONDS = 15;

/**
 * Ends sessions of this role, in this database, that owe the rest of a statement: their process was stopped, or
 * is gone without a word, between naming a statement and sending its parameters. Postgres counts that as
 * active, so none of its time limits ends it, and the locks of its transaction would be held for ever. Returns
 * how many it ended.
 */
export async function endStalled(sql: Sql, seconds = STALLED_SECONDS): Promise<number> {
  const rows = await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
      and state = 'active' and wait_event = 'ClientRead' and xact_start is not null
      and query_start < now() - ${seconds} * interval '1 second'`;
  return rows.length;
}
