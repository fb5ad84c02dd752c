import { z } from '@hono/zod-openapi';
import { Problem } from '@tertulia/shared/http/problem';
import { problemResponses } from '@tertulia/shared/http/router';
import type { RequestContext } from '../request-context.ts';

/** The query of every route that sends bytes. */
export const bytesQuery = z.object({
  download: z
    .enum(['0', '1'])
    .optional()
    .openapi({ description: '`1` asks the browser to save it rather than show it.' }),
});

const bytes = {
  content: { 'application/octet-stream': { schema: z.any().openapi({ type: 'string', format: 'binary' }) } },
};

/** What every route that sends bytes may answer. */
export const bytesResponses = {
  200: { description: 'The bytes, under the type that they are.', ...bytes },
  206: { description: 'The range asked for: a single one, or a suffix.', ...bytes },
  302: { description: 'They are at `Location`, for a minute: only with `S3_DELIVERY=redirect`.' },
  304: { description: 'Unchanged since the tag in `If-None-Match`.' },
  ...problemResponses('not_found', 'range_not_satisfiable', 'invalid_fields', 'unavailable'),
};

/** The same query, where the route is not OpenAPI's own. @throws {Problem} `invalid_fields` */
export function wantsDownload(c: RequestContext): boolean {
  const parsed = bytesQuery.safeParse(c.req.query());
  if (parsed.success) return parsed.data.download === '1';
  throw new Problem('invalid_fields', undefined, { errors: [{ path: 'download', message: 'is 0 or 1' }] });
}
