import { type FieldError, Problem } from '@tertulia/shared/http/problem';
import { type Details, detailsSchema } from './media.schema.ts';

/** Parses what came with a file. @throws {Problem} `invalid_fields` */
export function parseDetails(given: Record<string, string | undefined>): Details {
  const result = detailsSchema.safeParse(given);
  if (result.success) return result.data;
  throw invalid(
    ...result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })).slice(0, 20),
  );
}

export const invalid = (...errors: FieldError[]) => new Problem('invalid_fields', undefined, { errors });
