/** `bun run check`: is it good? Format and lint, types, migrations, settings table, tests. CI runs this. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { install, ROOT } from './install.ts';

install();

const SCHEMAS = ['services/auth', 'services/media', 'services/comments', 'services/notifications', 'shared'];

const steps: [string, () => boolean][] = [
  ['format and lint', () => run(['node_modules/.bin/biome', 'check', '.'])],
  ['types', () => run(['node_modules/.bin/tsc', '-p', '.'])],
  ['migrations', () => SCHEMAS.every(hasNoDrift)],
  ['settings table', () => run([process.execPath, 'services/platform/settings.ts', '--check'])],
  ['tests', () => run([process.execPath, 'services/platform/test.ts', ...process.argv.slice(2)])],
];

for (const [name, step] of steps) {
  console.log(`— ${name}`);
  if (!step()) {
    console.error(`check failed: ${name}`);
    process.exit(1);
  }
}

/** True when the schema gives no migration that is not there yet. */
function hasNoDrift(folder: string): boolean {
  const cwd = join(ROOT, folder);
  const migrations = folder === 'shared' ? 'testing/drizzle' : 'drizzle';
  // drizzle-kit takes a relative folder only.
  const copy = mkdtempSync(join(cwd, 'drift-'));
  try {
    cpSync(join(cwd, migrations), copy, { recursive: true });
    const before = readdirSync(copy).length;
    const out = copy.slice(cwd.length + 1);
    const kit = join(ROOT, 'node_modules/.bin/drizzle-kit');
    const done = run([process.execPath, kit, 'generate'], { cwd, env: { DRIZZLE_OUT: out }, quiet: true });
    const clean = done && readdirSync(copy).length === before;
    if (!clean) console.error(`${folder}: the schema has changed; run \`bun run db:generate\` there`);
    return clean;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

type Options = { cwd?: string; env?: Record<string, string>; quiet?: boolean };

function run(command: string[], { cwd = ROOT, env = {}, quiet = false }: Options = {}): boolean {
  const output = quiet ? 'ignore' : 'inherit';
  const done = Bun.spawnSync(command, {
    cwd,
    stdin: 'ignore',
    stdout: output,
    stderr: 'inherit',
    env: { ...process.env, ...env },
  });
  return done.exitCode === 0;
}
