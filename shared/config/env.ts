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

/**
 * Reads settings by a zod schema. An empty variable counts as unset, as compose files write them.
 *
 * @throws {EnvError} naming every bad variable at once, never its value (it may be a secret).
 */
export function parseEnv<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  source: EnvSource,
): z.output<z.ZodObject<Shape>> {
  const given: EnvSource = {};
  for (const name of Object.keys(schema.shape)) {
    const value = source[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new EnvError(
    result.error.issues.map((issue) => {
      const name = issue.path.join('.');
      const missing = name !== '' && given[name] === undefined;
      return `${name || 'settings'}: ${missing ? 'is required' : issue.message}`;
    }),
  );
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
