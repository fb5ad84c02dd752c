import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type EnvSource, isSet, parseEnv } from '@tertulia/shared/config/env';
import { openDatabase } from '@tertulia/shared/db/database';
import { explain, fail } from '@tertulia/shared/runtime/service';
import { z } from 'zod';
import { openStores } from './platform.ts';
import { type Databases, HOLDERS, type Holder, isClean, reconcile, report } from './reconcile.ts';

const LOOK_MS = 1000;
/** Services let go within seconds; a user with very much may take longer, and then another run tells. */
const WAIT_MS = 30_000;

const address = z.url();
const addresses = z.object({
  AUTH_DATABASE_URL: address,
  MEDIA_DATABASE_URL: address,
  COMMENTS_DATABASE_URL: address,
  NOTIFICATIONS_DATABASE_URL: address,
});
const variableOf = (holder: Holder) =>
  `${holder.toUpperCase()}_DATABASE_URL` as `${Uppercase<Holder>}_DATABASE_URL`;

/** Compares, prints, and returns the exit code: 0 when nothing is left, 1 when something is. */
export async function main(given: EnvSource): Promise<number> {
  const source: EnvSource = { ...given, DATA_DIR: resolve(given.DATA_DIR || '.data') };
  try {
    const { values } = parseArgs({ options: { fix: { type: 'boolean', default: false } } });
    return await withStores(source, values.fix);
  } catch (error) {
    return fail(
      'users',
      explain(error, { portVariable: '', databaseVariable: 'the *_DATABASE_URL of each service' }),
    );
  }
}

async function withStores(source: EnvSource, fix: boolean): Promise<number> {
  const embedded = HOLDERS.some((holder) => !isSet(variableOf(holder), source));
  const cluster = embedded ? await openStores(source) : undefined;
  const urls = parseEnv(addresses, source);
  const opened = HOLDERS.map((holder) => {
    const url = urls[variableOf(holder)];
    return [holder, openDatabase({ url, name: 'users-reconcile', max: 2 })] as const;
  });
  const databases = Object.fromEntries(opened.map(([holder, { db }]) => [holder, db])) as Databases;
  try {
    return await run(databases, fix);
  } finally {
    await Promise.all(opened.map(([, database]) => database.close()));
    await cluster?.close();
  }
}

async function run(databases: Databases, fix: boolean): Promise<number> {
  let found = await reconcile(databases, fix);
  if (fix && found.some(({ gone }) => gone.count > 0)) {
    const told = found.reduce((sum, { gone }) => sum + gone.count, 0);
    console.log(`told again of ${told}; waiting for the services to let go`);
    const deadline = Date.now() + WAIT_MS;
    while (Date.now() < deadline && found.some(({ gone }) => gone.count > 0)) {
      await Bun.sleep(LOOK_MS);
      found = await reconcile(databases, false);
    }
  }
  for (const line of report(found)) console.log(line);
  return found.every(isClean) ? 0 : 1;
}
