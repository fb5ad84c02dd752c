import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isGuessable, isSecret } from '@tertulia/shared/config/env';
import { settingsOf } from '@tertulia/shared/runtime/service';
import { z } from 'zod';
import manifest from '../../../package.json' with { type: 'json' };
import { PARTS } from '../src/platform.ts';

const ROOT = join(import.meta.dir, '..', '..', '..');
const text = (path: string) => Bun.file(join(ROOT, path)).text();

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string().optional(),
      environment: z.record(z.string(), z.unknown()).default({}),
      ports: z.array(z.string()).default([]),
      profiles: z.array(z.string()).default([]),
      depends_on: z.record(z.string(), z.unknown()).default({}),
    }),
  ),
});
const compose = composeSchema.parse(Bun.YAML.parse(await text('compose.yaml')));
const dockerfile = await text('services/Dockerfile');
const serviceOf = (name: string) => compose.services[name] ?? { environment: {}, ports: [], depends_on: {} };

/** `NAME=value` lines; those in comments too, where they are offered. */
function lines(file: string): Map<string, string> {
  const found = file.matchAll(/^#?([A-Z_]+)=(.*)$/gm);
  return new Map([...found].map(([, name = '', value = '']) => [name, value]));
}

describe('services/Dockerfile', () => {
  test('has the version of Bun that package.json names', () => {
    expect(/^ARG BUN_VERSION=(.*)$/m.exec(dockerfile)?.[1]).toBe(manifest.config.bun);
    expect(dockerfile.match(/^FROM oven\/bun:/gm)).toHaveLength(2);
  });

  test('brings every manifest of the lockfile, and every patch', async () => {
    const patterns = manifest.workspaces.map((pattern) => new Bun.Glob(`${pattern}/package.json`));
    const manifests = patterns.flatMap((pattern) => [...pattern.scanSync(ROOT)]);
    const copied = [...dockerfile.matchAll(/^COPY (\S+\/package\.json) /gm)].map(([, path]) => path);
    expect(copied.toSorted()).toEqual(manifests.filter((path) => !path.includes('node_modules')).toSorted());
    for (const patch of Object.values(manifest.patchedDependencies)) {
      expect(patch).toStartWith('shared/patches/');
    }
  });

  test('sets the ports that the services have by default', () => {
    for (const { env, portVariable } of PARTS) {
      const port = env.shape[portVariable] as unknown as z.ZodType;
      for (const line of dockerfile.match(/AUTH_PORT=.*$/gm) ?? []) {
        expect(line).toContain(`${portVariable}=${port.parse(undefined)}`);
      }
    }
  });
});

describe('compose.yaml', () => {
  // The image's own, and what is never needed where there is Redis.
  const elsewhere = new Set(['NODE_ENV', 'HOST', 'DATA_DIR', 'EVENTS_DATABASE_URL', 'WEB_PORT']);

  test.each(PARTS.map((part) => [part.name, part] as const))(
    'hands on every setting that %s reads',
    (name, part) => {
      const { environment } = serviceOf(name);
      const missing = Object.keys(part.env.shape).filter(
        (variable) => !(elsewhere.has(variable) || variable === part.portVariable || variable in environment),
      );
      expect(missing).toEqual([]);
    },
  );

  test('stores are published on loopback alone, and services wait for theirs', () => {
    for (const [name, { image, ports, depends_on }] of Object.entries(compose.services)) {
      if (image?.startsWith('postgres') || image?.startsWith('redis') || image?.startsWith('dpage')) {
        for (const port of ports) expect(port).toStartWith('127.0.0.1:');
      }
      const databases = Object.keys(serviceOf(name).environment).filter((each) =>
        each.endsWith('DATABASE_URL'),
      );
      for (const variable of databases) {
        const database = `${variable.split('_')[0]?.toLowerCase()}-db`;
        expect(depends_on).toMatchObject({ [database]: { condition: 'service_healthy' } });
      }
    }
  });

  test('pgAdmin knows every Postgres', async () => {
    const list = JSON.parse(await text('services/platform/compose/pgadmin-servers.json'));
    const hosts = Object.values<{ Host: string }>(list.Servers).map(({ Host }) => Host);
    const stores = Object.entries(compose.services).filter(([, { image }]) => image?.startsWith('postgres'));
    expect(hosts).toEqual(stores.map(([name]) => name));
  });
});

describe('secrets', () => {
  test('.env.example names every secret that production demands, and none of its values gets in', async () => {
    const given = lines(await text('.env.example'));
    for (const part of PARTS) {
      for (const name of part.productionNeeds) {
        if (isSecret(name) && !name.endsWith('DATABASE_URL')) expect([...given.keys()]).toContain(name);
      }
    }
    for (const [name, value] of given) {
      if (isSecret(name) && value !== '') expect([name, isGuessable(value)]).toEqual([name, true]);
    }
    const source = { NODE_ENV: 'production', ...Object.fromEntries(given) };
    const [auth] = PARTS;
    if (auth === undefined) throw new Error('there is no auth');
    expect(() => settingsOf({ ...auth, start: () => Promise.reject() }, source)).toThrow(/AUTH_SECRET/);
  });

  test('the passwords of development are refused by production', async () => {
    const values = lines(await text('services/platform/compose/development.env'));
    expect([...values.values()].filter((value) => !isGuessable(value))).toEqual([]);
  });

  test('compose demands the passwords that .env.example lists', async () => {
    const demanded = [...(await text('compose.yaml')).matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name]) => name);
    const given = lines(await text('.env.example'));
    expect(demanded.filter((name) => !given.has(name ?? ''))).toEqual([]);
    expect(existsSync(join(ROOT, '.env.example'))).toBe(true);
  });
});
