import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Where settings come from: `process.env`, or a plain object in tests. */
export type EnvSource = Record<string, string | undefined>;

/** Thrown by {@link parseEnv}: one line per bad variable, ready to be printed. */
export class EnvError extends Error {
  override name = 'EnvError';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** A variable is a secret by its name, so that whoever adds one need not think of it. */
const SECRET = /(_SECRET|_PASSWORD|_TOKEN|_SECRET_ACCESS_KEY|_DATABASE_URL|_REDIS_URL|^SMTP_URL)$/;

/** True for variables whose values are nobody's business: `NAME_FILE` may then name a file that holds it. */
export const isSecret = (name: string): boolean => SECRET.test(name);

/** True when a variable has a value, be it from a file. */
export const isSet = (name: string, source: EnvSource): boolean =>
  Boolean(source[name] || (isSecret(name) && source[`${name}_FILE`]));

/**
 * Reads settings by a zod schema. An empty variable counts as unset, as compose files write them. A secret
 * may come from a file instead, named by `NAME_FILE`; line breaks at its end are not part of it.
 *
 * @throws {EnvError} naming every bad variable at once, never its value (it may be a secret).
 */
export function parseEnv<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  source: EnvSource,
): z.output<z.ZodObject<Shape>> {
  const given: EnvSource = {};
  const problems: string[] = [];
  const broken = new Set<string>();
  for (const name of Object.keys(schema.shape)) {
    try {
      const value = textOf(name, source);
      if (value !== undefined) given[name] = value;
    } catch (error) {
      if (!(error instanceof EnvError)) throw error;
      problems.push(...error.problems);
      broken.add(name);
    }
  }
  const result = schema.safeParse(given);
  if (result.success && problems.length === 0) return result.data;
  for (const issue of result.error?.issues ?? []) {
    const name = issue.path.join('.');
    if (broken.has(name)) continue;
    const missing = name !== '' && given[name] === undefined;
    problems.push(`${name || 'settings'}: ${missing ? 'is required' : issue.message}`);
  }
  throw new EnvError(problems);
}

function textOf(name: string, source: EnvSource): string | undefined {
  const value = source[name] || undefined;
  const path = isSecret(name) ? source[`${name}_FILE`] : undefined;
  if (!path) return value;
  if (value !== undefined) throw new EnvError([`${name}: is set, and so is ${name}_FILE; only one may be`]);
  try {
    return readFileSync(path, 'utf8').replace(/[\r\n]+$/, '') || undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unreadable';
    throw new EnvError([`${name}_FILE: ${path} cannot be read (${code})`]);
  }
}

/** What examples, tutorials and people in a hurry write where a secret belongs. */
const PLACEHOLDER =
  /(change|replace|fill)[-_ ]?(me|this|it|in)|place[-_ ]?holder|example|insecure|^(your|my|some|dev|test)[-_ ]|^(default|development|secret|passw[o0]rd|postgres|redis|admin|tertulia|letmein|qwerty|12345)/i;
const MIN_DISTINCT = 6;

/**
 * True for a secret that is a placeholder, a well-known default, or a pattern: what production refuses. Of an
 * address, the password is judged; one without a password is not.
 */
export function isGuessable(secret: string): boolean {
  if (URL.canParse(secret) && secret.includes('://')) {
    const { username, password } = new URL(secret);
    return password !== '' && (password === username || isGuessable(decodeURIComponent(password)));
  }
  // A text that is found in its own double before half its length is one part, over and over.
  const repeats = `${secret}${secret}`.indexOf(secret, 1) <= secret.length / 2;
  return repeats || new Set(secret).size < MIN_DISTINCT || PLACEHOLDER.test(secret);
}

/** A whole number within bounds. */
export const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** A comma-separated list; blanks are dropped. */
export const list = () =>
  z.string().transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
