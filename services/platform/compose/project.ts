import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import { ROOT } from '../install.ts';

/** What the engine's client needs of our environment: no setting of a stack that runs here, nor of `.env`. */
const CLIENT_ENV =
  /^(PATH|HOME|USER|LANG|TMPDIR|XDG_\w+|DOCKER_\w+|BUILDKIT_\w+|SSH_AUTH_SOCK|(HTTPS?|NO|ALL)_PROXY)$/i;

export const OVERLAYS = {
  edge: 'services/platform/compose/edge.yaml',
  secretFiles: 'services/platform/compose/secret-files.yaml',
} as const;

const PORTS = ['AUTH', 'MEDIA', 'COMMENTS', 'NOTIFICATIONS', 'WEB', 'EDGE'] as const;
const STORE_PORTS = ['AUTH_DB', 'MEDIA_DB', 'COMMENTS_DB', 'NOTIFICATIONS_DB', 'AUTH_REDIS', 'EVENTS_REDIS'];
const PASSWORDS = ['AUTH_DB', 'MEDIA_DB', 'COMMENTS_DB', 'NOTIFICATIONS_DB'].map(
  (name) => `${name}_PASSWORD`,
);
const SECRETS = ['AUTH_SECRET', 'SERVICE_SECRET', 'METRICS_TOKEN'];

export type Outcome = { code: number; stdout: string; stderr: string };

/** A compose project of its own: name, ports, secrets, volumes and images that are nobody else's. */
export type Project = {
  name: string;
  port(of: (typeof PORTS)[number]): number;
  /** Runs `docker compose` and gives what it says. @throws when it fails. */
  compose(...args: string[]): Promise<string>;
  /** The same, whatever its outcome. */
  tryCompose(...args: string[]): Promise<Outcome>;
  /** From now on with these files over compose.yaml, and with these variables over the present ones. */
  change(overlays: readonly string[], settings?: Record<string, string>): Promise<void>;
  /** Takes down everything that is this project's, its data and images too. */
  remove(): Promise<void>;
};

const clientEnv = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => CLIENT_ENV.test(name)));

export async function docker(...args: string[]): Promise<Outcome> {
  const child = Bun.spawn(['docker', ...args], {
    cwd: ROOT,
    env: clientEnv(),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, stdout, stderr };
}

/** Says why there is no engine to work with; undefined when there is one. */
export async function engineProblem(): Promise<string | undefined> {
  if (Bun.which('docker') === null) return 'there is no `docker` command';
  const [engine, compose] = [await docker('info'), await docker('compose', 'version')];
  if (compose.code !== 0) return '`docker compose` is not installed';
  return engine.code === 0 ? undefined : `no engine answers: ${lastLine(engine.stderr)}`;
}

export const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

export async function openProject(given: Record<string, string>): Promise<Project> {
  const random = (bytes: number) =>
    Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
  const name = `tertulia-verify-${random(4)}`;
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const settings: Record<string, string> = { ...given, SECRETS_DIR: folder };
  for (const port of [...PORTS, ...STORE_PORTS]) settings[`${port}_PORT`] = String(await freePort());
  for (const secret of [...PASSWORDS, ...SECRETS]) settings[secret] = random(24);
  for (const secret of SECRETS) {
    // The folder is closed to others; containers, whose users have other numbers, read the file.
    await writeFile(join(folder, secret.toLowerCase()), `${settings[secret]}\n`, { mode: 0o644 });
  }
  const envFile = join(folder, 'env');
  const save = () =>
    writeFile(
      envFile,
      Object.entries(settings)
        .map((entry) => `${entry.join('=')}\n`)
        .join(''),
      { mode: 0o600 },
    );
  await save();
  let files = ['compose.yaml'];

  function tryCompose(...args: string[]): Promise<Outcome> {
    const which = ['--project-name', name, '--project-directory', ROOT, '--env-file', envFile];
    return docker(
      'compose',
      '--progress',
      'quiet',
      ...which,
      ...files.flatMap((file) => ['-f', file]),
      ...args,
    );
  }

  return {
    name,
    port: (of) => Number(settings[`${of}_PORT`]),
    tryCompose,
    async compose(...args) {
      const { code, stdout, stderr } = await tryCompose(...args);
      if (code !== 0)
        throw new Error(`docker compose ${args.join(' ')}: exit code ${code}\n${stderr.trim()}`);
      return stdout;
    },
    async change(overlays, more = {}) {
      files = ['compose.yaml', ...overlays];
      Object.assign(settings, more);
      await save();
    },
    async remove() {
      const all = [
        '--profile',
        'edge',
        'down',
        '--volumes',
        '--rmi',
        'local',
        '--remove-orphans',
        '--timeout',
        '5',
      ];
      const { code, stderr } = await tryCompose(...all);
      await rm(folder, { recursive: true, force: true });
      if (code !== 0) throw new Error(`${name} was not taken down: ${stderr.trim()}`);
    },
  };
}
