import { join } from 'node:path';
import { type Database, type Db, openDatabase } from '@tertulia/shared/db/database';
import { migrate } from '@tertulia/shared/db/migrate';
import { startRelay } from '@tertulia/shared/events/relay';
import type { Checks } from '@tertulia/shared/http/health';
import { createLimits, type Limits } from '@tertulia/shared/limits/limits';
import type { Log } from '@tertulia/shared/runtime/log';
import { every } from '@tertulia/shared/runtime/loop';
import { openCarriers } from '@tertulia/shared/stores/carriers';
import { openRedis, whenReady } from '@tertulia/shared/stores/redis';
import { createGuards, type Guards } from '@tertulia/shared/tokens/guard';
import { createRevocations, type Revocations } from '@tertulia/shared/tokens/revocations';
import { createTokenVerifier } from '@tertulia/shared/tokens/verify';
import { startAccountSweep } from './account-end/sweep.ts';
import { prepareFindUser } from './accounts/accounts.repository.ts';
import { startSealing } from './audit/sealing.ts';
import { sweepTokens } from './email/one-time-tokens.ts';
import type { AuthEnv } from './env.ts';
import { startKeyWatch } from './keys/key-watch.ts';
import { deriveSecrets, developmentSecret, type Secrets } from './keys/secret.ts';
import { openSigningKeys, type SigningKeys } from './keys/signing-keys.ts';
import { type MailCounts, noMails } from './mail/mail-metrics.ts';
import { mailSenderOptions, startMailSender } from './mail/mail-sender.ts';
import { openTransport } from './mail/transport.ts';
import { type CodeLimit, createCodeLimit } from './mfa/code-limit.ts';
import { createPasswords, type Passwords } from './passwords/passwords.ts';
import { startBeat } from './revocation/beat.ts';
import { createLockout, type Lockout } from './sessions/lockout.ts';

export const MIGRATIONS = join(import.meta.dir, '..', 'drizzle');

/** Tokens of other kinds, such as those of services, may live so long whatever the settings say. */
const MIN_LIFE_SECONDS = 900;

const SWEEP_MS = 600_000;

export type Deps = {
  env: AuthEnv;
  log: Log;
  db: Db;
  keys: SigningKeys;
  secrets: Secrets;
  passwords: Passwords;
  guards: Guards;
  /** What is known to be revoked, in this process. */
  revocations: Revocations;
  limits: Limits;
  mailCounts: MailCounts;
  lockout: Lockout;
  codeLimit: CodeLimit;
  findUser: ReturnType<typeof prepareFindUser>;
  checks: Checks;
};

/** What a {@link Deps} is made of, without what runs in the background: tests open the same. */
export async function createDeps(
  env: AuthEnv,
  log: Log,
  database: Database,
  limits: Limits,
  checks: Checks,
): Promise<Deps> {
  const { db } = database;
  const secrets = await deriveSecrets(env.AUTH_SECRET ?? (await developmentSecret(db)));
  const keys = await openSigningKeys(db, secrets.sealing, {
    leadSeconds: env.KEY_LEAD_SECONDS,
    lifeSeconds: Math.max(env.ACCESS_TOKEN_SECONDS, MIN_LIFE_SECONDS),
  });
  const issuer = env.TOKEN_ISSUER;
  const revocations = createRevocations();
  const audience = env.TOKEN_AUDIENCE;
  const verifier = createTokenVerifier({ keys: keys.source, issuer, audience, revocations });
  return {
    env,
    log,
    db,
    keys,
    secrets,
    passwords: await createPasswords(),
    guards: createGuards(verifier),
    revocations,
    limits,
    mailCounts: noMails(),
    lockout: createLockout({ env, limits }),
    codeLimit: createCodeLimit({ env, limits }),
    findUser: prepareFindUser(db),
    checks,
  };
}

/** Opens every resource of a running service; `close` takes them down in order. */
export async function openDeps(env: AuthEnv, url: string, log: Log) {
  await migrate(url, MIGRATIONS);
  const database = openDatabase({ url, name: 'auth', max: env.DB_POOL_MAX });
  const redis = env.AUTH_REDIS_URL === undefined ? undefined : openRedis(env.AUTH_REDIS_URL, log);
  if (redis !== undefined) await whenReady(redis);
  const carriers = await openCarriers(env, 'auth', log);
  const relay = startRelay({ source: 'auth', url, sql: database.sql, stream: carriers.stream, log });
  const deps = await createDeps(env, log, database, createLimits({ redis, scale: env.RATE_LIMIT_SCALE }), {
    postgres: database.ping,
    events: () => carriers.stream.ping(),
    ...(redis === undefined ? {} : { redis: () => redis.ping() }),
  });
  const { revocations } = deps;
  const beat = await startBeat({ database, bus: carriers.bus, revocations, log });
  const keyWatch = startKeyWatch(deps, database.sql);
  const mailSender = startMailSender(mailSenderOptions(deps, openTransport(env, log)));
  const tokenSweep = every(
    SWEEP_MS,
    () => sweepTokens(deps.db),
    (err) => log.warn({ err }, 'old tokens not swept'),
  );
  const sealing = startSealing({ db: database.db, url, key: deps.secrets.audit, log });
  const sweep = startAccountSweep(deps, url);
  return {
    deps,
    async close() {
      await Promise.all([relay, keyWatch, mailSender, tokenSweep, beat, sealing, sweep].map((loop) => loop.stop()));
      await carriers.close();
      redis?.disconnect();
      await database.close();
    },
  };
}
