import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { check } from '@tertulia/media/files/check-command';
import { type EnvSource, isSet } from '@tertulia/shared/config/env';
import { explain, fail } from '@tertulia/shared/runtime/service';
import { openStores } from './platform.ts';

/** Checks the files of the media that the settings name, or of the embedded one; returns the exit code. */
export async function main(given: EnvSource): Promise<number> {
  const source: EnvSource = { ...given, DATA_DIR: resolve(given.DATA_DIR || '.data') };
  try {
    const { values } = parseArgs({ options: { fix: { type: 'boolean', default: false } } });
    const cluster = isSet('MEDIA_DATABASE_URL', source) ? undefined : await openStores(source);
    return await check(source, values.fix).finally(() => cluster?.close());
  } catch (error) {
    return fail('blobs', explain(error, { portVariable: '', databaseVariable: 'MEDIA_DATABASE_URL' }));
  }
}
