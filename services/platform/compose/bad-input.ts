import assert from 'node:assert/strict';
import { eventually } from '@tertulia/shared/testing/eventually';
import { states } from './checks.ts';
import { lastLine, type Project } from './project.ts';
import { step } from './steps.ts';

type Case = { what: string; service: string; settings: Record<string, string>; says: RegExp };

const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('hex');

const CASES: readonly Case[] = [
  {
    what: 'a missing secret',
    service: 'auth',
    settings: { AUTH_SECRET: '' },
    says: /^auth: AUTH_SECRET: is required in production$/,
  },
  {
    what: 'a placeholder for a secret',
    service: 'auth',
    settings: { AUTH_SECRET: 'changeme'.repeat(5) },
    says: /^auth: AUTH_SECRET: is a placeholder/,
  },
  {
    what: 'a short secret',
    service: 'auth',
    settings: { AUTH_SECRET: 'x7Kq2mZp' },
    says: /^auth: AUTH_SECRET: must be at least 32/,
  },
  {
    what: 'a secret file that is not there',
    service: 'web',
    settings: { METRICS_TOKEN: '', METRICS_TOKEN_FILE: '/run/secrets/absent' },
    says: /^web: METRICS_TOKEN_FILE: \/run\/secrets\/absent cannot be read \(ENOENT\)$/,
  },
  {
    what: 'a database that is not there',
    service: 'media',
    settings: { MEDIA_DATABASE_URL: `postgres://media:${random()}@nowhere:5432/media` },
    says: /^media: the database cannot be reached; see MEDIA_DATABASE_URL: /,
  },
  {
    what: 'a wrong database password',
    service: 'comments',
    settings: { COMMENTS_DATABASE_URL: `postgres://comments:${random()}@comments-db:5432/comments` },
    says: /^comments: the database refused; see COMMENTS_DATABASE_URL: password authentication failed/,
  },
];

/** What cannot start says why in one line and exits with 1; `up --wait` then fails, and nothing loops. */
export async function badInput(project: Project): Promise<void> {
  const good = { AUTH_SECRET: random(), SERVICE_SECRET: random(), METRICS_TOKEN: random() };
  await project.change([], good);
  for (const each of CASES) await step(`${each.what}: one line, exit code 1`, () => refuses(project, each));
  await step('a placeholder under `up --wait`: an error, and no restart loop', () => upFails(project, good));
  await step('a port that is taken: compose says which', () => portTaken(project));
  await step('no passwords for Postgres: compose says which', async () => {
    await project.change([], { MEDIA_DB_PASSWORD: '' });
    const { code, stderr } = await project.tryCompose('up', '-d', '--wait');
    assert.notEqual(code, 0);
    assert.match(stderr, /MEDIA_DB_PASSWORD.*README/);
    console.log(`  ${lastLine(stderr)} (exit code ${code})`);
    await project.change([], { MEDIA_DB_PASSWORD: random() });
  });
}

async function refuses(project: Project, { service, settings, says }: Case): Promise<void> {
  const env = Object.entries(settings).flatMap((entry) => ['-e', entry.join('=')]);
  const { code, stdout, stderr } = await project.tryCompose(
    'run',
    '--rm',
    '--no-deps',
    '-T',
    ...env,
    service,
  );
  assert.equal(code, 1, stderr);
  // The service alone speaks on standard error here: compose is quiet.
  assert.equal(stdout, '');
  const said = stderr.trim().split('\n');
  assert.equal(said.length, 1, stderr);
  assert.match(lastLine(stderr), says);
  console.log(`  ${lastLine(stderr)}`);
}

async function upFails(project: Project, good: Record<string, string>): Promise<void> {
  await project.change([], { METRICS_TOKEN: 'changeme-changeme' });
  const { code, stderr } = await project.tryCompose('up', '-d', '--wait', '--no-deps', 'web');
  assert.notEqual(code, 0);
  console.log(`  ${lastLine(stderr)} (exit code ${code})`);
  const ended = await eventually(
    async () => (await states(project)).find(({ Service, State }) => Service === 'web' && State === 'exited'),
    { ms: 60_000, every: 500 },
  );
  assert.equal(ended.ExitCode, 1);
  await project.change([], good);
}

async function portTaken(project: Project): Promise<void> {
  const other = Bun.listen({ hostname: '0.0.0.0', port: 0, socket: { data() {} } });
  await project.change([], { WEB_PORT: String(other.port) });
  const { code, stderr } = await project.tryCompose('up', '-d', '--wait', '--no-deps', 'web');
  other.stop(true);
  assert.notEqual(code, 0);
  assert.match(stderr, new RegExp(`${other.port}.*(already in use|already allocated)`));
  console.log(`  ${lastLine(stderr)} (exit code ${code})`);
}
