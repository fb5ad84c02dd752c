import { type EnvSource, parseEnv } from '@tertulia/shared/config/env';
import { s3Env } from '@tertulia/shared/config/s3';
import { openDatabase } from '@tertulia/shared/db/database';
import { databaseOf } from '@tertulia/shared/runtime/service';
import { mediaEnv } from '../env.ts';
import { checkBlobs } from './check.ts';
import { openStores } from './stores.ts';

const settings = mediaEnv
  .pick({ MEDIA_DATABASE_URL: true, DATA_DIR: true, MEDIA_MAX_SIZE: true, UPLOAD_FSYNC: true })
  .extend(s3Env.shape);

/**
 * Is everything stored that rows name, and nothing else? Prints each finding and a summary, and returns the exit
 * code: 0 when there is nothing left to see to.
 */
export async function check(source: EnvSource, fix: boolean): Promise<number> {
  const env = parseEnv(settings, source);
  const url = databaseOf('MEDIA_DATABASE_URL', env.MEDIA_DATABASE_URL);
  const stores = await openStores(env);
  const database = openDatabase({ url, name: 'blobs-check', max: 2 });
  const tell = (line: string) => void process.stdout.write(`${line}\n`);
  try {
    const { orphans, removed, holes, miscounted } = await checkBlobs({
      ...stores,
      db: database.db,
      fix,
      tell,
    });
    tell(`blobs: ${orphans} orphans (${removed} removed), ${holes} holes, ${miscounted} counted wrong`);
    return orphans > removed || holes > 0 || miscounted > 0 ? 1 : 0;
  } finally {
    await database.close();
  }
}
