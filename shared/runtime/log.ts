import pino, { type Logger } from 'pino';

export type Log = Logger;

/** Header and field names whose values never reach a log line. */
const SECRETS = [
  'authorization',
  'cookie',
  'password',
  'currentPassword',
  'newPassword',
  'token',
  'accessToken',
  'refreshToken',
  'secret',
];

/**
 * A JSON-lines logger (pino) on standard output: one object a line, `time` in RFC 3339, `level` as a word.
 * Line breaks in values are escaped by JSON, so one entry is always one line.
 */
export function createLog(service: string, level: string): Log {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
    serializers: { err: serializeError },
  });
}

/**
 * What a log tells of an error: kind, message, stack, SQLSTATE. Drizzle's message holds the SQL and its
 * parameters, so only its cause speaks.
 */
function serializeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  if (error.name === 'DrizzleQueryError' && error.cause) return serializeError(error.cause);
  const code = 'code' in error ? error.code : undefined;
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    stack: error.stack,
    ...(error.cause ? { cause: serializeError(error.cause) } : {}),
  };
}
