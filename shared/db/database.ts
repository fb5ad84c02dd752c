import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';

/** A Drizzle database over postgres.js. The schema is named by tables, not by `db.query`. */
export type Db = PostgresJsDatabase;
/** A transaction of {@link Db}. */
export type Tx = Parameters<Parameters<Db['transaction']>[0]>[0];
/** What repository functions take first: they work in a transaction and outside. */
export type Executor = Db | Tx;
/** The plain client, for what Drizzle does not do: LISTEN, advisory locks, COPY. */
export type Sql = postgres.Sql;

export type Database = { db: Db; sql: Sql; ping(): Promise<unknown>; close(): Promise<void> };

type Options = { url: string; name: string; max: number };

/**
 * Opens a pool. Connections are made on demand and again after a loss, at most a second apart, so a
 * database that comes back is in use at once; while it is away, queries reject (see `isUnavailable`).
 */
export function openDatabase({ url, name, max }: Options): Database {
  const sql = connect(url, { name, max });
  return {
    sql,
    db: drizzle(sql, { casing: 'snake_case' }),
    ping: () => sql`select 1`,
    close: () => sql.end({ timeout: 5 }),
  };
}

type ConnectOptions = {
  name: string;
  max: number;
  /** For a connection that holds a lock: it is never recycled, and the server ends it after such a silence, ms. */
  forLock?: number;
};

/** A postgres.js client with this project's time limits. */
export function connect(url: string, { name, max, forLock }: ConnectOptions): Sql {
  return postgres(url, {
    max,
    connect_timeout: 3,
    ...(forLock === undefined ? { idle_timeout: 60 } : { idle_timeout: 0, max_lifetime: null }),
    backoff: (attempt: number) => Math.min(0.1 * 2 ** attempt, 1),
    onnotice: () => {},
    connection: {
      application_name: name,
      statement_timeout: 15_000,
      idle_in_transaction_session_timeout: 15_000,
      ...(forLock === undefined ? {} : { idle_session_timeout: forLock }),
    },
  });
}
