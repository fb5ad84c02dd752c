import type { ByteRange } from '@tertulia/shared/storage/blob-store';

/**
 * Reads a `Range` header (RFC 9110, 14.2). Undefined means the whole: none was asked for, it is malformed,
 * or it asks for several parts, which a server MAY ignore.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,20})-(\d{0,20})$/i.exec(header ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return undefined;
    const length = Number(last);
    // A suffix of nothing can't be satisfied, nor can any of an empty file.
    return length === 0 || size === 0
      ? 'unsatisfiable'
      : { start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}
