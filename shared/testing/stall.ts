import postgres from 'postgres';

// A process of its own: it stops itself in mid-statement, in a transaction that holds a lock.
if (import.meta.main) {
  const [url = '', lock = ''] = process.argv.slice(2);
  const sql = postgres(url, { max: 1 });
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${lock}::bigint)`;
    // Not prepared, so it is named first, and its parameters follow once the answer has come: never.
    tx.unsafe('select $1::int', [1]).execute();
    const stop = () => process.kill(process.pid, 'SIGSTOP');
    setImmediate(() => setImmediate(stop));
    await Promise.withResolvers<void>().promise;
  });
}
