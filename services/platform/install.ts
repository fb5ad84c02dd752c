import { join } from 'node:path';

export const ROOT = join(import.meta.dir, '..', '..');

/** Installs by the lockfile; where everything is there, that takes some milliseconds and no network. */
export function install(): void {
  const command = [process.execPath, 'install', '--frozen-lockfile'];
  const done = Bun.spawnSync(command, { cwd: ROOT, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' });
  if (done.exitCode === 0) return;
  process.stderr.write(`tertulia: the packages could not be installed\n${done.stderr.toString()}`);
  process.exit(1);
}
