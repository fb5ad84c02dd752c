import { describe, expect, test } from 'bun:test';
import { line, paragraph } from './fields.ts';

const ok = (value: string) => paragraph(1, 10).safeParse(value).success;

describe('text', () => {
  test('is trimmed, NFC, and counted in code points', () => {
    expect(paragraph(1, 10).parse('  e\u0301  ')).toBe('é');
    expect(ok('🙂'.repeat(10))).toBe(true);
    expect(ok('🙂'.repeat(11))).toBe(false);
    expect(ok('   ')).toBe(false);
  });

  test('line breaks are one kind, and only where there may be several lines', () => {
    expect(paragraph(1, 10).parse('a\r\nb')).toBe('a\nb');
    expect(line(1, 10).safeParse('a\nb').success).toBe(false);
  });

  test.each(['a\u0000b', 'a\u001bb', '\ud800', 'a\u2028b', 'a\u0085b'])('%j is refused', (value) => {
    expect(ok(value)).toBe(false);
  });
});
