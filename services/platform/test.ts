/** `npm test`: installs, starts one Postgres for the whole run, and runs every test on two workers. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { install, ROOT } from './install.ts';

install();
const { openTestCluster, TEST_POSTGRES_URL } = await import('@tertulia/shared/testing/postgres');
const { HANG_MS } = await import('@tertulia/shared/testing/hang');

const output = join(ROOT, '.test-output');
mkdirSync(output, { recursive: true });
const report = join(output, 'junit.xml');
rmSync(report, { force: true });
const cluster = await openTestCluster();
const flags = ['--parallel=2', `--timeout=${HANG_MS}`, '--reporter=junit', `--reporter-outfile=${report}`];
const run = Bun.spawn([process.execPath, 'test', ...flags, ...process.argv.slice(2)], {
  cwd: ROOT,
  stdin: 'ignore',
  stdout: 'inherit',
  stderr: 'inherit',
  env: { ...process.env, [TEST_POSTGRES_URL]: cluster.adminUrl },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => run.kill(signal));
const code = await run.exited;
await cluster.close();
if (existsSync(report)) console.log(summary(report));
process.exit(code);

/** One line that any reader of logs understands. */
function summary(path: string): string {
  const head = /<testsuites[^>]*>/.exec(readFileSync(path, 'utf8'))?.[0] ?? '';
  const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const [failed, skipped] = [count('failures') + count('errors'), count('skipped')];
  return `${count('tests') - failed - skipped} passed, ${failed} failed, ${skipped} skipped`;
}
