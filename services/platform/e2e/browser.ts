import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import { CHROMIUM } from '@tertulia/shared/testing/needs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { startPlatform } from '../src/platform.ts';
import { openLink } from './browser-link.ts';

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

/** Everything in this process on free ports, the web client too, with stores of its own. */
export async function startForBrowser() {
  const folder = await mkdtemp(join(tmpdir(), 'tertulia-browser-'));
  const names = ['AUTH', 'MEDIA', 'COMMENTS', 'NOTIFICATIONS', 'WEB'] as const;
  const ports: Record<string, string> = {};
  for (const name of names) ports[`${name}_PORT`] = String(await freePort());
  const mediaLink = await openLink(Number(ports.MEDIA_PORT));
  const web = `http://127.0.0.1:${ports.WEB_PORT}`;
  const platform = await startPlatform({
    ...ports,
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'error',
    DATA_DIR: folder,
    AUTH_URL: `http://127.0.0.1:${ports.AUTH_PORT}`,
    MEDIA_PUBLIC_URL: `http://127.0.0.1:${mediaLink.port}`,
    CORS_ORIGINS: web,
    RATE_LIMIT_SCALE: '1000',
    SHUTDOWN_SECONDS: '1',
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
  });
  return {
    web,
    comments: `http://127.0.0.1:${ports.COMMENTS_PORT}`,
    notifications: `http://127.0.0.1:${ports.NOTIFICATIONS_PORT}`,
    folder,
    /** Between browsers and media. */
    mediaLink,
    async stop() {
      await mediaLink.close();
      await platform.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** For people to look at; nothing compares them. */
export async function shoot(page: Page, name: string): Promise<void> {
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}
