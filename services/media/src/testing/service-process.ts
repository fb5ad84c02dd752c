import { freePort } from '@tertulia/shared/stores/postgres-process';
import { eventually } from '@tertulia/shared/testing/eventually';
import { sign } from 'hono/jwt';

const MAIN = `${import.meta.dir}/../main.ts`;

/** An auth that gives nothing but its key set, and tokens that are good for it. */
export async function startKeySet() {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const [priv, { x }] = await Promise.all([
    crypto.subtle.exportKey('jwk', pair.privateKey),
    crypto.subtle.exportKey('jwk', pair.publicKey),
  ]);
  const keys = [{ kty: 'OKP', crv: 'Ed25519', kid: 'test', x, alg: 'EdDSA', use: 'sig' }];
  const server = Bun.serve({ port: 0, fetch: () => Response.json({ keys }) });
  return {
    url: `http://127.0.0.1:${server.port}`,
    async token(): Promise<string> {
      const now = Math.floor(Date.now() / 1000);
      const id = Bun.randomUUIDv7();
      const times = { iat: now, exp: now + 900, ver: 0 };
      const who = { sub: id, sid: id, jti: id, role: 'USER', username: 'ana' };
      const claims = { use: 'access', iss: 'http://localhost:5900', aud: 'tertulia', ...who, ...times };
      return sign(claims, { ...priv, kid: 'test', alg: 'EdDSA' } as never, 'EdDSA');
    },
    stop: () => server.stop(true),
  };
}

export type ServiceProcess = {
  port: number;
  /** Resolves with the exit code when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<number>;
};

const started = new Set<Bun.Subprocess>();

/** What a failed test left running. */
export function killLeftovers(): void {
  for (const child of started) child.kill('SIGKILL');
}

/** The service as a process of its own, ready to serve. */
export async function startService(env: Record<string, string>): Promise<ServiceProcess> {
  const port = await freePort();
  const settings = {
    MEDIA_PORT: String(port),
    HOST: '127.0.0.1',
    LOG_LEVEL: 'silent',
    PATH: process.env.PATH ?? '',
  };
  const child = Bun.spawn([process.execPath, MAIN], { env: { ...env, ...settings }, stdout: 'ignore' });
  started.add(child);
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}/health/live`)).ok, { ms: 60_000 });
  return {
    port,
    async kill(signal) {
      child.kill(signal);
      await child.exited;
      started.delete(child);
      return child.exitCode ?? -1;
    },
  };
}
