/**
 * `bun run audit:verify [--head <seal>]`: is the audit log what was sealed? Reads `AUTH_DATABASE_URL` and
 * `AUTH_SECRET`. Exit code 0 when it is, 1 with the first fault when it is not.
 */
import { parseArgs } from 'node:util';
import { parseEnv } from '@tertulia/shared/config/env';
import { openDatabase } from '@tertulia/shared/db/database';
import { databaseOf, explain } from '@tertulia/shared/runtime/service';
import { authEnv } from '../env.ts';
import { deriveSecrets, developmentSecret } from '../keys/secret.ts';
import { verifyAudit } from './verification.ts';

const settings = authEnv.pick({ AUTH_DATABASE_URL: true, AUTH_SECRET: true });

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { head: { type: 'string' } } });
  // biome-ignore lint/style/noProcessEnv: a program of its own
  const env = parseEnv(settings, process.env);
  const url = databaseOf('AUTH_DATABASE_URL', env.AUTH_DATABASE_URL);
  const database = openDatabase({ url, name: 'audit-verify', max: 1 });
  try {
    const { audit } = await deriveSecrets(env.AUTH_SECRET ?? (await developmentSecret(database.db)));
    const verdict = await verifyAudit(database.db, audit, values.head);
    if (!verdict.ok) {
      process.stderr.write(`audit log: ${verdict.fault}\n`);
      return 1;
    }
    const { rows, seals, unsealed, head } = verdict;
    process.stdout.write(
      `audit log: ok, ${rows} rows under ${seals} seals, ${unsealed} not sealed yet; head ${head ?? 'none'}\n`,
    );
    return 0;
  } finally {
    await database.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const lines = explain(error, { portVariable: '', databaseVariable: 'AUTH_DATABASE_URL' });
  for (const line of lines) process.stderr.write(`audit log: ${line}\n`);
  process.exitCode = 1;
}
