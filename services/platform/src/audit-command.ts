import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { verify } from '@tertulia/auth/audit/verify';
import { type EnvSource, isSet } from '@tertulia/shared/config/env';
import { explain, fail } from '@tertulia/shared/runtime/service';
import { openStores } from './platform.ts';

/** Verifies the audit log of the auth that the settings name, or of the embedded one; returns the exit code. */
export async function main(given: EnvSource): Promise<number> {
  const source: EnvSource = { ...given, DATA_DIR: resolve(given.DATA_DIR || '.data') };
  try {
    const { values } = parseArgs({ options: { head: { type: 'string' } } });
    const cluster = isSet('AUTH_DATABASE_URL', source) ? undefined : await openStores(source);
    return await verify(source, values.head).finally(() => cluster?.close());
  } catch (error) {
    return fail('audit log', explain(error, { portVariable: '', databaseVariable: 'AUTH_DATABASE_URL' }));
  }
}
