import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { EnvError, type EnvSource, integer, isGuessable, isSecret, isSet, list, parseEnv } from './env.ts';

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

describe('secrets', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tertulia-env-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const secrets = z.object({
    AUTH_SECRET: z.string().min(8).optional(),
    AUTH_PORT: integer(0, 9).default(1),
  });
  const write = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  test('may come from a file, without the line break at its end', async () => {
    const path = await write('secret', ' long enough \r\n\n');
    expect(parseEnv(secrets, { AUTH_SECRET_FILE: path }).AUTH_SECRET).toBe(' long enough ');
    expect(isSet('AUTH_SECRET', { AUTH_SECRET_FILE: path })).toBe(true);
    expect(isSet('AUTH_SECRET', { AUTH_SECRET: '' })).toBe(false);
  });

  test('an empty file, or an empty name of one, counts as unset', async () => {
    expect(parseEnv(secrets, { AUTH_SECRET_FILE: await write('empty', '\n') }).AUTH_SECRET).toBeUndefined();
    expect(parseEnv(secrets, { AUTH_SECRET: 'long enough', AUTH_SECRET_FILE: '' }).AUTH_SECRET).toBe(
      'long enough',
    );
  });

  test('a file that cannot be read, a bad value in one, and both at once are told with all else', async () => {
    const problemsOf = (source: EnvSource) => {
      try {
        parseEnv(secrets, source);
      } catch (error) {
        return (error as EnvError).problems;
      }
    };
    const absent = join(folder, 'absent');
    expect(problemsOf({ AUTH_SECRET_FILE: absent, AUTH_PORT: '10' })).toEqual([
      `AUTH_SECRET_FILE: ${absent} cannot be read (ENOENT)`,
      expect.stringMatching(/^AUTH_PORT: /),
    ]);
    expect(problemsOf({ AUTH_SECRET_FILE: folder })).toEqual([
      `AUTH_SECRET_FILE: ${folder} cannot be read (EISDIR)`,
    ]);
    const both = { AUTH_SECRET: 'long enough', AUTH_SECRET_FILE: await write('other', 'long enough') };
    expect(problemsOf(both)).toEqual(['AUTH_SECRET: is set, and so is AUTH_SECRET_FILE; only one may be']);
    const short = problemsOf({ AUTH_SECRET_FILE: await write('short', 'hunter2') });
    expect(short).toEqual([expect.stringMatching(/^AUTH_SECRET: /)]);
    expect(String(short)).not.toContain('hunter2');
  });

  test('are secrets by name; what is none has no file', async () => {
    const names = ['METRICS_TOKEN', 'ADMIN_PASSWORD', 'MEDIA_DATABASE_URL', 'EVENTS_REDIS_URL', 'SMTP_URL'];
    expect(names.filter(isSecret)).toEqual(names);
    expect(['AUTH_URL', 'AUTH_PUBLIC_URL', 'TOKEN_ISSUER', 'ACCESS_TOKEN_SECONDS'].filter(isSecret)).toEqual(
      [],
    );
    expect(parseEnv(secrets, { AUTH_PORT_FILE: await write('port', '5') }).AUTH_PORT).toBe(1);
  });

  test.each([
    'changeme',
    'please-change-me-before-production',
    'CHANGE_THIS_SECRET_0123456789abcdef',
    'your-secret-of-at-least-32-characters',
    'replace-me',
    'secretsecretsecretsecretsecretsec',
    'development',
    '0123456789abcdef0123456789abcdef',
    '00000000000000000000000000000000',
    'abababababababababababababababac',
    'postgres://auth:auth@db/auth',
    'postgres://auth:change%2Dme@db/auth',
    'redis://:password@redis:6379',
  ])('can be guessed: %s', (secret) => {
    expect(isGuessable(secret)).toBe(true);
  });

  test('cannot be guessed: what is random, and an address without a password', () => {
    for (let run = 0; run < 200; run++) {
      const bytes = Buffer.from(crypto.getRandomValues(new Uint8Array(24)));
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        const secret = bytes.toString(encoding);
        expect(isGuessable(secret)).toBe(false);
        expect(isGuessable(`postgres://auth:${encodeURIComponent(secret)}@db.example.org/auth`)).toBe(false);
      }
    }
    expect(isGuessable('redis://auth-redis:6379')).toBe(false);
    expect(isGuessable('postgres://auth@db/auth')).toBe(false);
  });
});
