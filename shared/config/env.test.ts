import { expect, test } from 'bun:test';
import { z } from 'zod';
import { EnvError, integer, list, parseEnv } from './env.ts';

const schema = z.object({
  PORT: integer(0, 65_535).default(80),
  NAMES: list().default([]),
  QUIET: z.stringbool().default(false),
  SECRET: z.string().min(8),
});

test('reads text into types; an empty variable counts as unset', () => {
  expect(
    parseEnv(schema, { PORT: '8080', NAMES: ' a, b ,', QUIET: 'yes', SECRET: 'long enough', OTHER: 'x' }),
  ).toEqual({
    PORT: 8080,
    NAMES: ['a', 'b'],
    QUIET: true,
    SECRET: 'long enough',
  });
  expect(parseEnv(schema, { PORT: '', SECRET: 'long enough' }).PORT).toBe(80);
});

test('names every bad variable at once, and no value', () => {
  try {
    parseEnv(schema, { PORT: '70000', QUIET: 'perhaps', SECRET: 'hunter2' });
    throw new Error('it was accepted');
  } catch (error) {
    expect(error).toBeInstanceOf(EnvError);
    const { problems } = error as EnvError;
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['PORT', 'QUIET', 'SECRET']);
    expect(problems.join()).not.toContain('hunter2');
  }
  expect(() => parseEnv(schema, {})).toThrow('SECRET: is required');
});
