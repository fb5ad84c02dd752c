import { join } from 'node:path';
import { type Database, type Db, openDatabase } from '@tertulia/shared/db/database';
import { migrate } from '@tertulia/shared/db/migrate';
import { startDepartures } from '@tertulia/shared/departures/departures';
import { startReader } from '@tertulia/shared/events/reader';
import { startRelay } from '@tertulia/shared/events/relay';
import type { Checks } from '@tertulia/shared/http/health';
import { createLimits, type Limits } from '@tertulia/shared/limits/limits';
import type { Log } from '@tertulia/shared/runtime/log';
import type { BlobStore } from '@tertulia/shared/storage/blob-store';
import type { UploadStore } from '@tertulia/shared/storage/upload-store';
import { openCarriers } from '@tertulia/shared/stores/carriers';
import { type FollowedRevocations, followRevocations } from '@tertulia/shared/tokens/follow-revocations';
import { createGuards, type Guards } from '@tertulia/shared/tokens/guard';
import { keyStore } from '@tertulia/shared/tokens/key-store';
import { remoteKeys } from '@tertulia/shared/tokens/keys';
import { createTokenVerifier, type TokenVerifier } from '@tertulia/shared/tokens/verify';
import { consumers } from './consumers.ts';
import { type FindContent, prepareFindContent } from './content/content.repository.ts';
import { createForget } from './departures/departures.ts';
import type { MediaEnv } from './env.ts';
import { type LocalFiles, openLocalFiles } from './files/local-files.ts';
import { startSweeper } from './files/removals.ts';
import { openStores } from './files/stores.ts';
import { type Resolve, resolveName } from './imports/target.ts';
import { startBackfill } from './inspection/backfill.ts';
import { prepareListMedia } from './media/media.list.ts';
import { prepareFindMedia } from './media/media.repository.ts';
import { createUrlKeys, type UrlKeys } from './signing/url-keys.ts';
import { startTrashSweep } from './trash/trash.service.ts';
import { startUploadSweep } from './uploads/expired.ts';
import { createRunningHashes, type RunningHashes } from './uploads/running-hashes.ts';
import { createUploadLocks, type UploadLocks } from './uploads/upload-locks.ts';
import { prepareFindUpload } from './uploads/uploads.repository.ts';

export const MIGRATIONS = join(import.meta.dir, '..', 'drizzle');

export type Deps = {
  env: MediaEnv;
  log: Log;
  db: Db;
  blobs: BlobStore;
  /** Bytes of tus uploads. */
  uploads: UploadStore;
  /** Files of forms that are being received. */
  formFiles: LocalFiles;
  /** Looks up the names that files are imported from. */
  resolve: Resolve;
  locks: UploadLocks;
  hashes: RunningHashes;
  guards: Guards;
  limits: Limits;
  findMedia: ReturnType<typeof prepareFindMedia>;
  listMedia: ReturnType<typeof prepareListMedia>;
  findContent: FindContent;
  urlKeys: UrlKeys;
  findUpload: ReturnType<typeof prepareFindUpload>;
  checks: Checks;
  /** Keeps revocations up to date, where something runs in the background. */
  feed?: FollowedRevocations['feed'];
};

/** What a {@link Deps} is made of, without what runs in the background: tests open the same. */
export async function createDeps(
  env: MediaEnv,
  log: Log,
  database: Database,
  verifier: TokenVerifier,
  checks: Checks,
): Promise<Deps> {
  const { db } = database;
  const folder = join(env.DATA_DIR, 'media', 'forms');
  const [{ blobs, uploads }, formFiles] = await Promise.all([openStores(env), openLocalFiles(folder)]);
  return {
    env,
    log,
    db,
    blobs,
    uploads,
    formFiles,
    resolve: resolveName,
    locks: createUploadLocks(),
    hashes: createRunningHashes(),
    guards: createGuards(verifier),
    limits: createLimits({ scale: env.RATE_LIMIT_SCALE }),
    findMedia: prepareFindMedia(db),
    listMedia: prepareListMedia(db),
    findContent: prepareFindContent(db),
    urlKeys: createUrlKeys(db, env.URL_KEY_DAYS),
    findUpload: prepareFindUpload(db),
    checks: { ...checks, blobs: blobs.ping, uploads: uploads.ping },
  };
}

/** Opens every resource of a running service; `close` takes them down in order. */
export async function openDeps(env: MediaEnv, url: string, log: Log) {
  await migrate(url, MIGRATIONS);
  const database = openDatabase({ url, name: 'media', max: env.DB_POOL_MAX });
  const carriers = await openCarriers(env, 'media', log);
  const { stream, bus } = carriers;
  const followed = await followRevocations({ service: 'media', env, database, bus, log });
  const verifier = createTokenVerifier({
    keys: remoteKeys(env.AUTH_URL, log, keyStore(database.db)),
    issuer: env.TOKEN_ISSUER,
    audience: env.TOKEN_AUDIENCE,
    revocations: followed.revocations,
  });
  const deps = await createDeps(env, log, database, verifier, {
    postgres: database.ping,
    events: () => stream.ping(),
  });
  const loops = [
    startRelay({ source: 'media', url, sql: database.sql, stream, log }),
    startReader({ source: 'auth', reader: 'media', url, db: database.db, stream, consumers, log }),
    startSweeper(deps),
    startBackfill(deps),
    startUploadSweep(deps),
    startTrashSweep(deps),
    startDepartures({ db: database.db, url, service: 'media', forget: createForget(deps), log }),
  ];
  return {
    deps: { ...deps, feed: followed.feed },
    async close() {
      await Promise.all([followed.close(), ...loops.map((loop) => loop.stop())]);
      await carriers.close();
      await database.close();
    },
  };
}
