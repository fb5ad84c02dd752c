import { describe, expect, test } from 'bun:test';
import { parseRange } from './range.ts';

describe('parseRange of 1000 bytes', () => {
  test.each([
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=500-', { start: 500, end: 999 }],
    ['bytes=-500', { start: 500, end: 999 }],
    ['bytes=-2000', { start: 0, end: 999 }],
    ['bytes=990-5000', { start: 990, end: 999 }],
    ['Bytes=1-2', { start: 1, end: 2 }],
    ['bytes=0-99999999999999999999', { start: 0, end: 999 }],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=99999999999999999999-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    [undefined, undefined],
    ['bytes=9-5', undefined],
    ['bytes=abc', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,2-3', undefined],
    ['lines=0-1', undefined],
  ] as const)('%p', (header, expected) => {
    expect(parseRange(header, 1000)).toEqual(expected as never);
  });

  test('a thousand ranges, and 64,000 digits, are no range', () => {
    expect(parseRange(`bytes=${'0-1,'.repeat(1000)}5-6`, 1000)).toBeUndefined();
    expect(parseRange(`bytes=${'9'.repeat(64_000)}-`, 1000)).toBeUndefined();
  });
});
