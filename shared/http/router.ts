import { type Hook, OpenAPIHono, z } from '@hono/zod-openapi';
import type { AppEnv } from './context.ts';
import { PROBLEMS, Problem, type ProblemCode } from './problem.ts';

export type Router = OpenAPIHono<AppEnv>;

// biome-ignore lint/suspicious/noExplicitAny: the hook serves every route, whatever its input types
const rejectInvalid: Hook<any, AppEnv, string, unknown> = (result) => {
  if (result.success) return;
  const errors = result.error.issues.flatMap((issue) => {
    const path = issue.path.join('.');
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    const prefix = path === '' ? '' : `${path}.`;
    return issue.keys.map((key) => ({ path: prefix + clip(key), message: 'is not a known field' }));
  });
  if (result.target === 'param') throw new Problem('not_found');
  if (result.target === 'query' && errors.some(({ path }) => path === 'limit' || path === 'cursor')) {
    throw new Problem('invalid_page', undefined, { errors });
  }
  throw new Problem('invalid_fields', undefined, { errors: errors.slice(0, 20) });
};

const clip = (key: string) => (key.length > 64 ? `${key.slice(0, 64)}…` : key);

/** A router whose validation failures become problems: the start of every `*.routes.ts`. */
export function createRouter(): Router {
  return new OpenAPIHono<AppEnv>({ defaultHook: rejectInvalid });
}

export const problemSchema = z
  .object({
    type: z.string().meta({ example: 'urn:tertulia:problem:not_found' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string(),
    code: z.string().meta({ example: 'not_found' }),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem');

type ProblemStatus<Code extends ProblemCode> = (typeof PROBLEMS)[Code][0];
type ProblemResponse = {
  description: string;
  content: { 'application/problem+json': { schema: typeof problemSchema } };
};

/** What every route with a JSON body may answer. */
export const badBody = [
  'malformed_json',
  'body_too_large',
  'unsupported_media_type',
  'invalid_fields',
] as const satisfies readonly ProblemCode[];

/** The `responses` entries for the problems that a route may answer with, one per status. */
export function problemResponses<const Codes extends readonly ProblemCode[]>(
  ...codes: Codes
): { [Status in ProblemStatus<Codes[number]>]: ProblemResponse } {
  const byStatus = new Map<number, string[]>();
  for (const code of codes) {
    const status = PROBLEMS[code][0];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const entries = [...byStatus].map(([status, names]) => [
    status,
    {
      description: names.map((name) => `\`${name}\``).join(', '),
      content: { 'application/problem+json': { schema: problemSchema } },
    },
  ]);
  return Object.fromEntries(entries);
}

/** A JSON response entry. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

/** A required JSON request body. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true as const, content: { 'application/json': { schema } } };
}
