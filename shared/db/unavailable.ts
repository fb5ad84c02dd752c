/** SQLSTATE classes and codes that say "not now" rather than "never". */
const NOT_NOW = /^(08|57P0[1-5]|53|55P03|25P03|40001|40P01)/;

/** Codes of postgres.js, ioredis and the sockets below them. */
const LOST = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_SOCKET_CLOSED',
]);

const LOST_MESSAGES =
  /Connection is closed|Stream isn't writeable|Command timed out|max retries per request|Failed to connect|Unable to connect|ECONNREFUSED/i;

/**
 * True when an error means that a store or service could not be reached, and that the same request may
 * succeed later. Looks through `cause`, as Drizzle wraps what its driver throws.
 */
export function isUnavailable(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = 'code' in at ? at.code : undefined;
    if (typeof code === 'string' && (LOST.has(code) || NOT_NOW.test(code))) return true;
    if (at.name === 'PostgresError' || at.name === 'DrizzleQueryError') continue;
    if (LOST_MESSAGES.test(at.message)) return true;
  }
  return false;
}

/** True when Postgres ended a statement at its time limit (SQLSTATE 57014): it was too slow just now. */
export function isTimedOut(error: unknown): boolean {
  return codesOf(error).includes('57014');
}

/** True for a violated unique constraint (SQLSTATE 23505), of the given name if one is given. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (!('code' in at) || at.code !== '23505') continue;
    return constraint === undefined || ('constraint_name' in at && at.constraint_name === constraint);
  }
  return false;
}

function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') codes.push(at.code);
  }
  return codes;
}
