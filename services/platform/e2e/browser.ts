import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import { CHROMIUM } from '@tertulia/shared/testing/needs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { startPlatform } from '../src/platform.ts';
import { openLink } from './browser-link.ts';
import { createDatabases } from './stack.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const SHOTS = join(import.meta.dir, '..', '..', '..', '.test-output', 'browser');

export const ADMIN = { email: 'admin@example.org', password: 'correct horse battery' };

export function launchBrowser(): Promise<Browser> {
  const executablePath = CHROMIUM.map((name) => Bun.which(name)).find((path) => path !== null);
  if (executablePath === undefined) throw new Error('no Chromium here');
  return chromium.launch({ executablePath, args: FLAGS });
}

/** Everything in this process on free ports, the web client too, with databases of its own. */
export async function startForBrowser(settings: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'tertulia-browser-'));
  const names = ['AUTH', 'MEDIA', 'COMMENTS', 'NOTIFICATIONS', 'WEB'] as const;
  const ports: Record<string, string> = {};
  for (const name of names) ports[`${name}_PORT`] = String(await freePort());
  const databases = await createDatabases(['auth', 'media', 'comments', 'notifications', 'events']);
  const stores: Record<string, string> = { EVENTS_DATABASE_URL: databases.url('events') };
  for (const name of names.slice(0, -1)) stores[`${name}_DATABASE_URL`] = databases.url(name.toLowerCase());
  const mediaLink = await openLink(Number(ports.MEDIA_PORT));
  // Not an address: passkeys belong to names.
  const web = `http://localhost:${ports.WEB_PORT}`;
  const platform = await startPlatform({
    ...ports,
    ...stores,
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'error',
    DATA_DIR: folder,
    AUTH_URL: `http://127.0.0.1:${ports.AUTH_PORT}`,
    MEDIA_PUBLIC_URL: `http://127.0.0.1:${mediaLink.port}`,
    CORS_ORIGINS: web,
    WEB_URL: web,
    RATE_LIMIT_SCALE: '1000',
    // What a hash costs is not what these tests are about.
    PASSWORD_MEMORY_KIB: '1024',
    PASSWORD_PASSES: '1',
    SHUTDOWN_SECONDS: '1',
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    ...settings,
  });
  return {
    web,
    auth: `http://127.0.0.1:${ports.AUTH_PORT}`,
    comments: `http://127.0.0.1:${ports.COMMENTS_PORT}`,
    notifications: `http://127.0.0.1:${ports.NOTIFICATIONS_PORT}`,
    folder,
    /** Between browsers and media. */
    mediaLink,
    async stop() {
      await mediaLink.close();
      await platform.stop();
      await databases.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Pictures for people to look at, with `SHOTS=1`; nothing compares them. */
export async function shoot(page: Page, name: string): Promise<void> {
  if (!process.env.SHOTS) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}
