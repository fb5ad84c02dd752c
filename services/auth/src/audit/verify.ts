import { type EnvSource, parseEnv } from '@tertulia/shared/config/env';
import { openDatabase } from '@tertulia/shared/db/database';
import { databaseOf } from '@tertulia/shared/runtime/service';
import { authEnv } from '../env.ts';
import { deriveSecrets, developmentSecret } from '../keys/secret.ts';
import { verifyAudit } from './verification.ts';

const settings = authEnv.pick({ AUTH_DATABASE_URL: true, AUTH_SECRET: true });

/**
 * Is the audit log what was sealed, up to `head`, if that is given? Prints the answer, and returns the exit
 * code: 0 when it is, 1 with the first fault when it is not.
 */
export async function verify(source: EnvSource, head: string | undefined): Promise<number> {
  const env = parseEnv(settings, source);
  const url = databaseOf('AUTH_DATABASE_URL', env.AUTH_DATABASE_URL);
  const database = openDatabase({ url, name: 'audit-verify', max: 1 });
  try {
    const { audit } = await deriveSecrets(env.AUTH_SECRET ?? (await developmentSecret(database.db)));
    const verdict = await verifyAudit(database.db, audit, head);
    if (!verdict.ok) {
      process.stderr.write(`audit log: ${verdict.fault}\n`);
      return 1;
    }
    const { rows, seals, unsealed } = verdict;
    process.stdout.write(
      `audit log: ok, ${rows} rows under ${seals} seals, ${unsealed} not sealed yet; head ${verdict.head ?? 'none'}\n`,
    );
    return 0;
  } finally {
    await database.close();
  }
}
