import { z } from 'zod';
import { integer, list } from './env.ts';

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/ });
const redisUrl = z.url({ protocol: /^rediss?$/ });

/** Variables that every process reads, whatever its service. */
export const commonEnv = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'])
    .default('development')
    .describe('`production` makes secrets and store addresses mandatory.'),
  LOG_LEVEL: z
    .enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'])
    .default('info')
    .describe('Least severe level that is written. Logs are JSON lines on standard output.'),
  HOST: z.string().default('0.0.0.0').describe('Address to listen on.'),
  DATA_DIR: z
    .string()
    .default('.data')
    .describe('Folder of everything that the embedded default writes: Postgres, media files.'),
  CORS_ORIGINS: list()
    .default(['http://localhost:8080', 'http://127.0.0.1:8080'])
    .describe('Origins whose pages may call the services and open sockets, comma-separated.'),
  TRUSTED_PROXIES: list()
    .default([])
    .describe('Addresses or CIDR ranges of proxies whose `X-Forwarded-For` is believed, comma-separated.'),
  RATE_LIMIT_SCALE: z.coerce
    .number()
    .positive()
    .max(1_000_000)
    .default(1)
    .describe('Multiplies every rate limit; for load tests.'),
  METRICS_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe('Bearer token that `/metrics` wants. Mandatory in production.'),
  DB_POOL_MAX: integer(2, 200).default(10).describe('Postgres connections per process for requests.'),
  EVENTS_REDIS_URL: redisUrl
    .optional()
    .describe('Redis for events and live hints. Unset: Postgres carries both.'),
  EVENTS_DATABASE_URL: postgresUrl
    .optional()
    .describe('Postgres that carries events and hints where there is no `EVENTS_REDIS_URL`.'),
  SHUTDOWN_SECONDS: integer(1, 60)
    .default(8)
    .describe('Time that running requests get to finish after SIGTERM; 2 s later the process is gone.'),
});

/** Variables of every service that verifies access tokens. */
export const tokenEnv = z.object({
  SERVICE_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe(
      'What services show to auth for a token of their own; the same for all. Mandatory in production.',
    ),
  AUTH_URL: z
    .url()
    .default('http://127.0.0.1:5900')
    .describe('Where this service reaches auth, for its key set.'),
  TOKEN_ISSUER: z
    .string()
    .min(1)
    .default('http://localhost:5900')
    .describe(
      '`iss` of access tokens: the address at which clients reach auth, so that libraries find its keys by themselves. The same for all.',
    ),
  TOKEN_AUDIENCE: z.string().min(1).default('tertulia').describe('`aud` of access tokens.'),
});

/** A service's own port variable. */
export const port = (fallback: number, what: string) =>
  integer(0, 65_535).default(fallback).describe(`Port of ${what}.`);

/** A service's own database variable; unset means embedded, outside production. */
export const databaseUrl = (what: string) =>
  postgresUrl.optional().describe(`Postgres of ${what}. Unset: an embedded one is used.`);

/** A Redis variable. */
export const redis = (description: string) => redisUrl.optional().describe(description);

export type CommonEnv = z.infer<typeof commonEnv>;
export type TokenEnv = z.infer<typeof tokenEnv>;
