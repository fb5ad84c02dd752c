import { freePort } from '@tertulia/shared/stores/postgres-process';
import { eventually } from '@tertulia/shared/testing/eventually';
import { createTestDatabase } from '@tertulia/shared/testing/postgres';
import { MIGRATIONS } from '../deps.ts';

const MAIN = `${import.meta.dir}/../main.ts`;

/** Auth as production runs it: a process of its own, whose every line of output is kept. */
export async function startAuthProcess(settings: Record<string, string>) {
  const database = await createTestDatabase(MIGRATIONS);
  const port = await freePort();
  const child = Bun.spawn([process.execPath, MAIN], {
    env: {
      PATH: process.env.PATH ?? '',
      AUTH_PORT: String(port),
      HOST: '127.0.0.1',
      AUTH_DATABASE_URL: database.url,
      EVENTS_DATABASE_URL: database.url,
      // What a hash costs is not what these tests are about.
      PASSWORD_MEMORY_KIB: '1024',
      PASSWORD_PASSES: '1',
      ...settings,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const url = `http://127.0.0.1:${port}`;
  await eventually(
    async () => {
      if (child.exitCode !== null) return true;
      return (await fetch(`${url}/health/live`)).ok;
    },
    { ms: 60_000, every: 50 },
  );
  if (child.exitCode !== null) throw new Error((await output).join('\n'));
  return {
    url,
    database,
    /** Ends it, and returns all that it has written. */
    async stop(): Promise<string> {
      child.kill('SIGTERM');
      const written = (await output).join('\n');
      await database.drop();
      return written;
    },
  };
}
