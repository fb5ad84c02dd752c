import { join } from 'node:path';
import { type Database, type Db, openDatabase } from '@tertulia/shared/db/database';
import { migrate } from '@tertulia/shared/db/migrate';
import { startRelay } from '@tertulia/shared/events/relay';
import type { Checks } from '@tertulia/shared/http/health';
import { createLimits, type Limit, type Limits } from '@tertulia/shared/limits/limits';
import type { Log } from '@tertulia/shared/runtime/log';
import { every } from '@tertulia/shared/runtime/loop';
import { openCarriers } from '@tertulia/shared/stores/carriers';
import { openRedis, REQUEST_SILENCE_MS, type RedisClient, whenReady } from '@tertulia/shared/stores/redis';
import { createGuards, type Guards } from '@tertulia/shared/tokens/guard';
import { createRevocations, type Revocations } from '@tertulia/shared/tokens/revocations';
import { createTokenVerifier, type TokenVerifier } from '@tertulia/shared/tokens/verify';
import { startAccountSweep } from './account-end/sweep.ts';
import { prepareFindUser } from './accounts/accounts.repository.ts';
import { startPersonalSweep } from './audit/personal-sweep.ts';
import { startSealing } from './audit/sealing.ts';
import { sweepTokens } from './email/one-time-tokens.ts';
import type { AuthEnv } from './env.ts';
import { startKeyWatch } from './keys/key-watch.ts';
import { deriveSecrets, developmentSecret, type Secrets } from './keys/secret.ts';
import { openSigningKeys, type SigningKeys } from './keys/signing-keys.ts';
import { type MailCounts, noMails } from './mail/mail-metrics.ts';
import { mailSenderOptions, startMailSender } from './mail/mail-sender.ts';
import { openTransport } from './mail/transport.ts';
import { startChallengeSweep } from './mfa/challenges.ts';
import { type CodeLimit, createCodeLimit } from './mfa/code-limit.ts';
import { costOf, createPasswords, type Passwords } from './passwords/passwords.ts';
import { startBeat } from './revocation/beat.ts';
import { createLastUse, type LastUse } from './sessions/last-use.ts';
import { createLockout, type Lockout } from './sessions/lockout.ts';
import { startSessionSweep } from './sessions/sweep-sessions.ts';

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
  /** When sessions were last used. */
  lastUse: LastUse;
  limits: Limits;
  mailCounts: MailCounts;
  lockout: Lockout;
  codeLimit: CodeLimit;
  /** Challenges for passkeys, by address. */
  challengeLimit: Limit;
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
  redis?: RedisClient,
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
  const lastUse = createLastUse({ db, redis, log });
  return {
    env,
    log,
    db,
    keys,
    secrets,
    passwords: await createPasswords(costOf(env)),
    guards: createGuards(noting(verifier, lastUse)),
    revocations,
    lastUse,
    limits,
    mailCounts: noMails(),
    lockout: createLockout({ env, limits }),
    codeLimit: createCodeLimit({ env, limits }),
    challengeLimit: limits({
      name: 'passkey-challenges',
      points: env.PASSKEY_CHALLENGES_PER_MINUTE,
      seconds: 60,
    }),
    findUser: prepareFindUser(db),
    checks,
  };
}

/** Whoever is let in here is using the session. */
function noting(verifier: TokenVerifier, lastUse: LastUse): TokenVerifier {
  return {
    ...verifier,
    async verify(token) {
      const caller = await verifier.verify(token);
      lastUse.touch(caller.sessionId);
      return caller;
    },
  };
}

/** Opens every resource of a running service; `close` takes them down in order. */
export async function openDeps(env: AuthEnv, url: string, log: Log) {
  await migrate(url, MIGRATIONS);
  const database = openDatabase({ url, name: 'auth', max: env.DB_POOL_MAX });
  const redis =
    env.AUTH_REDIS_URL === undefined
      ? undefined
      : openRedis(env.AUTH_REDIS_URL, log, { silenceMs: REQUEST_SILENCE_MS });
  if (redis !== undefined) await whenReady(redis);
  const carriers = await openCarriers(env, 'auth', log);
  const relay = startRelay({ source: 'auth', url, sql: database.sql, stream: carriers.stream, log });
  const limits = createLimits({ redis, scale: env.RATE_LIMIT_SCALE });
  const checks = {
    postgres: database.ping,
    events: () => carriers.stream.ping(),
    ...(redis === undefined ? {} : { redis: () => redis.ping() }),
  };
  const deps = await createDeps(env, log, database, limits, checks, redis);
  const { revocations, lastUse } = deps;
  const beat = await startBeat({ database, bus: carriers.bus, revocations, log });
  const keyWatch = startKeyWatch(deps, database.sql);
  const challengeSweep = startChallengeSweep(deps.db, log);
  const mailSender = startMailSender(mailSenderOptions(deps, openTransport(env, log)));
  const tokenSweep = every(
    SWEEP_MS,
    () => sweepTokens(deps.db),
    (err) => log.warn({ err }, 'old tokens not swept'),
  );
  const sealing = startSealing({ db: database.db, url, key: deps.secrets.audit, log });
  const sweep = startAccountSweep(deps, url);
  const sessionSweep = startSessionSweep(database.db, env.SESSION_DAYS, log);
  const personalSweep = startPersonalSweep(database.db, env.AUDIT_PERSONAL_DAYS, log);
  const noted = lastUse.start();
  return {
    deps,
    async close() {
      await Promise.all(
        [
          relay,
          keyWatch,
          challengeSweep,
          mailSender,
          tokenSweep,
          beat,
          sealing,
          sweep,
          sessionSweep,
          personalSweep,
          noted,
        ].map((loop) => loop.stop()),
      );
      await carriers.close();
      redis?.disconnect();
      await database.close();
    },
  };
}
