import type { Context } from 'hono';
import { Problem } from './problem.ts';

/** A strong entity tag (RFC 9110, 8.8.3) over everything that the given values tell. */
export function etagOf(...parts: readonly (string | number | boolean | null | undefined)[]): string {
  return `"${Bun.hash.wyhash(JSON.stringify(parts)).toString(36)}"`;
}

/** True when a GET may be answered 304: `If-None-Match` holds the tag, compared weakly (RFC 9110, 13.1.2). */
export function isNotModified(c: Pick<Context, 'req'>, etag: string): boolean {
  const given = c.req.header('If-None-Match');
  return given !== undefined && holds(given, etag, weak);
}

/**
 * RFC 9110, 13.1.1: a write with `If-Match` MUST NOT happen unless the current tag is among those given.
 *
 * @throws {Problem} `precondition_failed`
 */
export function assertMatch(c: Context, etag: string): void {
  const given = c.req.header('If-Match');
  if (given !== undefined && !holds(given, etag, (tag) => tag)) {
    throw new Problem('precondition_failed', 'The resource has changed since the tag in If-Match.');
  }
}

const weak = (tag: string) => tag.replace(/^W\//, '');

function holds(header: string, etag: string, normalize: (tag: string) => string): boolean {
  if (header.trim() === '*') return true;
  return header
    .slice(0, 4096)
    .split(',')
    .some((tag) => normalize(tag.trim()) === normalize(etag));
}
