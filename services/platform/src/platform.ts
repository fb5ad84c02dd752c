import { resolve } from 'node:path';
import { authService } from '@tertulia/auth/service';
import { commentsService } from '@tertulia/comments/service';
import { mediaService } from '@tertulia/media/service';
import { notificationsService } from '@tertulia/notifications/service';
import { type EnvSource, isSet } from '@tertulia/shared/config/env';
import type { Running } from '@tertulia/shared/runtime/serve';
import { explain, type ServiceDefinition, startService } from '@tertulia/shared/runtime/service';
import { type Cluster, openCluster } from '@tertulia/shared/stores/cluster';
import { webService } from '@tertulia/web-test-client/service';
import type { z } from 'zod';

/** A service as the platform sees it: all but its settings' types. */
type Part = Pick<
  ServiceDefinition,
  'name' | 'portVariable' | 'databaseVariable' | 'env' | 'productionNeeds'
> & {
  start(source: EnvSource): Promise<Running>;
};

function part<Shape extends z.ZodRawShape>(service: ServiceDefinition<Shape>): Part {
  return { ...service, env: service.env, start: (source) => startService(service, source) };
}

/** Everything that runs, in the order in which it is shown. */
export const PARTS: readonly Part[] = [
  part(authService),
  part(mediaService),
  part(commentsService),
  part(notificationsService),
  part(webService),
];

export type Platform = {
  services: { name: string; port: number; greeting?: string }[];
  /** What carries events and hints. */
  carrier: 'Redis' | 'Postgres';
  /** Folder of the embedded Postgres, if there is one. */
  dataDir: string | undefined;
  stop(): Promise<void>;
};

/** Thrown when a service cannot start: the lines say which and why. */
export class StartError extends Error {
  constructor(readonly lines: readonly string[]) {
    super(lines.join('\n'));
  }
}

/**
 * Starts every service and the web client in this process. Stores that no variable names are embedded: one
 * real Postgres below `DATA_DIR`, with a database and a role per service, which also carries the events.
 *
 * @throws {StartError} naming the service that could not start; what had started is stopped.
 */
export async function startPlatform(given: EnvSource): Promise<Platform> {
  const source: EnvSource = { ...together(given), DATA_DIR: resolve(given.DATA_DIR || '.data') };
  let cluster: Cluster | undefined;
  try {
    cluster = await openStores(source);
  } catch (error) {
    throw new StartError(explain(error, { portVariable: 'DATA_DIR' }).map((line) => `stores: ${line}`));
  }
  const outcomes = await Promise.allSettled(PARTS.map((each) => each.start(source)));
  const running = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const stop = async () => {
    await Promise.all(running.map((each) => each.stop()));
    await cluster?.close();
  };
  const failures = PARTS.flatMap((each, at) => {
    const outcome = outcomes[at];
    return outcome?.status === 'rejected'
      ? explain(outcome.reason, each).map((line) => `${each.name}: ${line}`)
      : [];
  });
  if (failures.length > 0) {
    await stop();
    throw new StartError(failures);
  }
  return {
    services: PARTS.map(({ name }, at) => ({
      name,
      port: running[at]?.port ?? 0,
      greeting: running[at]?.greeting ?? '',
    })),
    carrier: isSet('EVENTS_REDIS_URL', source) ? 'Redis' : 'Postgres',
    dataDir: cluster === undefined ? undefined : source.DATA_DIR,
    stop,
  };
}

/** What follows from one port for another service: where auth and the front end are, and which pages may call. */
function together(given: EnvSource): EnvSource {
  const web = given.WEB_PORT || '8080';
  const auth = given.AUTH_PORT || '5900';
  // Of one process, the parts find one another by a secret that nobody has to make up. Production says its own.
  const needsSecret = !isSet('SERVICE_SECRET', given) && given.NODE_ENV !== 'production';
  return {
    ...given,
    ...(needsSecret ? { SERVICE_SECRET: crypto.randomUUID() } : {}),
    AUTH_URL: given.AUTH_URL || `http://127.0.0.1:${auth}`,
    TOKEN_ISSUER: given.TOKEN_ISSUER || given.AUTH_PUBLIC_URL || `http://localhost:${auth}`,
    WEB_URL: given.WEB_URL || `http://localhost:${web}`,
    CORS_ORIGINS: given.CORS_ORIGINS || `http://localhost:${web},http://127.0.0.1:${web}`,
  };
}

/** Names the stores that are still unnamed, in `source`; undefined when none is embedded. */
export async function openStores(source: EnvSource): Promise<Cluster | undefined> {
  const wanted = PARTS.flatMap(({ name, databaseVariable }) =>
    databaseVariable === undefined || isSet(databaseVariable, source)
      ? []
      : [[databaseVariable, name] as const],
  );
  const carried = isSet('EVENTS_REDIS_URL', source) || isSet('EVENTS_DATABASE_URL', source);
  const databases = carried ? wanted : [...wanted, ['EVENTS_DATABASE_URL', 'events'] as const];
  if (databases.length === 0) return undefined;
  const cluster = await openCluster({ folder: `${source.DATA_DIR}/postgres` });
  for (const [variable, name] of databases) source[variable] = await cluster.database(name);
  return cluster;
}
