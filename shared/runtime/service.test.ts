import { expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { commonEnv, databaseUrl } from '../config/common.ts';
import { EnvError, type EnvSource } from '../config/env.ts';
import { explain, type ServiceDefinition, settingsOf } from './service.ts';

const env = commonEnv.extend({ X_SECRET: z.string().optional(), X_DATABASE_URL: databaseUrl('x') });
const service: ServiceDefinition<typeof env.shape> = {
  name: 'x',
  portVariable: 'X_PORT',
  databaseVariable: 'X_DATABASE_URL',
  env,
  productionNeeds: ['X_SECRET', 'X_DATABASE_URL', 'EVENTS_REDIS_URL|EVENTS_DATABASE_URL'],
  start: () => Promise.reject(new Error('not here')),
};
const random = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('hex');

function problemsOf(source: EnvSource): readonly string[] {
  try {
    settingsOf(service, source);
    return [];
  } catch (error) {
    if (error instanceof EnvError) return error.problems;
    throw error;
  }
}

test('production names all that is missing, and every secret that can be guessed', () => {
  expect(problemsOf({ NODE_ENV: 'production', X_SECRET: 'changeme', METRICS_TOKEN: 'a'.repeat(16) })).toEqual(
    [
      'X_DATABASE_URL: is required in production',
      'EVENTS_REDIS_URL or EVENTS_DATABASE_URL: is required in production',
      'METRICS_TOKEN: is a placeholder or easily guessed; production wants a random one',
      'X_SECRET: is a placeholder or easily guessed; production wants a random one',
    ],
  );
});

test('development does without, and production takes what is random, from files too', async () => {
  expect(problemsOf({ X_SECRET: 'changeme' })).toEqual([]);
  const settings = {
    NODE_ENV: 'production',
    X_DATABASE_URL: `postgres://x:${random}@db/x`,
    EVENTS_REDIS_URL: 'redis://redis',
  };
  expect(problemsOf({ ...settings, X_SECRET: random })).toEqual([]);
  const folder = await mkdtemp(join(tmpdir(), 'tertulia-service-'));
  await writeFile(join(folder, 'secret'), `${random}\n`);
  expect(problemsOf({ ...settings, X_SECRET_FILE: join(folder, 'secret') })).toEqual([]);
  await rm(folder, { recursive: true });
});

test.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'CONNECT_TIMEOUT'])(
  'a database that is not there (%s): one line that names its variable',
  (code) => {
    const lost = Object.assign(new Error(`${code} somewhere`), { code });
    const lines = ['the database cannot be reached; see X_DATABASE_URL', `${code} somewhere`];
    expect(explain(new Error('Failed query', { cause: lost }), service)).toEqual([lines.join(': ')]);
    expect(explain(lost, service)).toEqual([lines.join(': ')]);
  },
);

test('a refused password is told with the variable too; a taken port with its own', () => {
  const refused = Object.assign(new Error('password authentication failed for user "x"'), {
    name: 'PostgresError',
    code: '28P01',
  });
  expect(explain(refused, service)).toEqual([
    'the database refused; see X_DATABASE_URL: password authentication failed for user "x"',
  ]);
  expect(explain(Object.assign(new Error(), { code: 'EADDRINUSE' }), service)).toEqual([
    'the port is taken; set X_PORT to another one',
  ]);
});
