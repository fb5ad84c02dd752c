import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of a few MiB, at a folder of its own. */
export type SmallDisk = { path: string; remove(): void };

/** Mounts one; undefined where this process may not. */
export function mountSmallDisk(mib: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'tertulia-small-'));
  const run = (...command: string[]) => {
    if (Bun.which(command[0] ?? '') === null) return false;
    return Bun.spawnSync(command, { stdout: 'ignore', stderr: 'ignore' }).exitCode === 0;
  };
  if (!run('mount', '-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', path)) {
    rmSync(path, { recursive: true });
    return undefined;
  }
  return {
    path,
    remove() {
      if (!run('umount', path)) run('umount', '-l', path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
