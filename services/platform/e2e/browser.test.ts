import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { type Mailbox, openMailbox } from '@tertulia/auth/testing/mailbox';
import { eventually } from '@tertulia/shared/testing/eventually';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { CHROMIUM, describeWith } from '@tertulia/shared/testing/needs';
import type { Browser } from 'playwright-core';
import { ADMIN, launchBrowser, shoot, startForBrowser } from './browser.ts';
import { testAccountPages } from './browser-accounts.ts';
import { makeClip, makePicture } from './browser-files.ts';
import { PAYLOADS } from './browser-payloads.ts';
import {
  answer,
  comment,
  follow,
  isConnected,
  openVisitor,
  openWindows,
  PASSWORD,
  press,
  say,
  signIn,
  signUp,
  slowUploads,
  tabTo,
  tokenOf,
  type Visitor,
  type Windows,
} from './browser-person.ts';

describeWith(CHROMIUM)('the browser client', () => {
  let platform: Awaited<ReturnType<typeof startForBrowser>>;
  let browser: Browser;
  let mailbox: Mailbox;
  let windows: Windows;
  beforeAll(async () => {
    mailbox = await openMailbox();
    [platform, browser] = await Promise.all([startForBrowser({ SMTP_URL: mailbox.url }), launchBrowser()]);
    windows = await openWindows(browser);
  }, HANG_MS);
  afterEach(() => windows.reset());
  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
    await mailbox?.close();
  });

  const open = (username?: string) => openVisitor(windows, platform, username);

  /** Publishes a picture or clip by the form; its page is shown then. */
  async function publish({ page }: Visitor, file: string, title: string): Promise<void> {
    await follow(page, 'Upload');
    await page.getByLabel('Picture, video or sound').setInputFiles(file);
    await page.getByLabel('Title').fill(title);
    await page.getByRole('button', { name: 'Upload', exact: true }).click();
    await page.getByTestId('uploads').getByRole('link', { name: 'Show it' }).click();
    await page.getByRole('heading', { name: title }).waitFor();
  }

  test(
    'two people: an upload, a comment, a reply, and what came during a reload',
    async () => {
      const [a, b] = await Promise.all([open(), open()]);
      await shoot(a.page, 'signed-out');
      await signUp(a.page, 'ana');
      await signUp(b.page, 'berta');
      await Promise.all([isConnected(a.page), isConnected(b.page)]);

      // A uploads; the bar moves before it is full.
      await follow(a.page, 'Upload');
      const hurry = await slowUploads(a.page, 150_000);
      await a.page.getByLabel('Picture, video or sound').setInputFiles(await makeClip(platform.folder));
      await a.page.getByLabel('Title').fill('Evening ferry');
      await a.page.getByLabel('Description').fill('Three seconds.\nThe last one is the best.');
      await shoot(a.page, 'upload-form');
      await a.page.getByRole('button', { name: 'Upload', exact: true }).click();
      const bar = a.page.getByRole('progressbar', { name: /clip|picture/ });
      await eventually(async () => {
        const percent = Number(await bar.getAttribute('value'));
        return percent > 0 && percent < 100;
      });
      await shoot(a.page, 'uploading');
      await hurry();
      await a.page.getByRole('link', { name: 'Show it' }).waitFor();

      // It is in the list, and can be played.
      await follow(a.page, 'Library');
      await a.page
        .getByTestId('media-list')
        .getByRole('link', { name: /Evening ferry/ })
        .click();
      await a.page.getByRole('heading', { name: 'Evening ferry' }).waitFor();
      await eventually(() =>
        a.page.getByTestId('player').evaluate((player) => {
          const shown = player.querySelector('video, img');
          if (shown instanceof HTMLVideoElement) return shown.readyState >= 1 && shown.videoWidth > 0;
          return shown instanceof HTMLImageElement && shown.complete && shown.naturalWidth > 0;
        }),
      );

      // B says something; A hears it without a reload, in a message, in the badge and below the film.
      await follow(b.page, 'Library');
      await b.page
        .getByTestId('media-list')
        .getByRole('link', { name: /Evening ferry/ })
        .click();
      const before = await badge(a);
      await say(b.page, 'What a light!');
      await a.page.getByTestId('toasts').getByText('@berta commented').waitFor();
      await eventually(async () => (await badge(a)) === before + 1);
      await comment(a.page, 'What a light!').waitFor();

      // A answers; B hears it.
      await comment(a.page, 'What a light!').getByRole('button', { name: 'Reply' }).click();
      await a.page.getByLabel('Your reply to @berta').fill('It was seven o’clock.');
      await a.page.locator('form').getByRole('button', { name: 'Reply' }).click();
      await b.page.getByTestId('toasts').getByText('@ana replied to you').waitFor();
      await comment(b.page, 'It was seven').first().waitFor();
      await shoot(b.page, 'media');

      // While A is away, B goes on. A gets exactly what A missed, once, in order, and nothing else.
      const here = a.page.url();
      const token = await tokenOf(a.page);
      const unread = await badge(a);
      await a.page.goto('about:blank');
      await say(b.page, 'Missed one');
      await say(b.page, 'Missed two');
      await eventually(async () => {
        const answer = await fetch(`${platform.notifications}/notifications/unread-count`, {
          headers: { Authorization: `Bearer ${token}` },
        });
        return ((await answer.json()) as { unread: number }).unread === unread + 2;
      });
      const message = (text: string) => a.page.getByTestId('toasts').getByText(text).waitFor();
      await a.page.goto(here);
      await Promise.all([message('Missed one'), message('Missed two'), isConnected(a.page)]);
      await eventually(async () => (await badge(a)) === unread + 2);
      await follow(a.page, 'Frames');
      const facts = a.page.getByTestId('facts');
      await facts
        .getByText('Recovered by the last connect')
        .locator('..')
        .getByText('2', { exact: true })
        .waitFor();
      const reply = await a.page.getByTestId('frames').locator('.received pre').last().textContent();
      const recovered = [...(reply ?? '').matchAll(/Missed (one|two)/g)].map(([text]) => text);
      expect(recovered).toEqual(['Missed one', 'Missed two']);
      expect(reply).not.toContain('What a light!');
      await shoot(a.page, 'frames');

      await follow(a.page, 'Notifications');
      const rows = a.page.getByTestId('notifications').getByRole('listitem');
      for (const text of ['Missed one', 'Missed two'])
        expect(await rows.filter({ hasText: text }).count()).toBe(1);
      await shoot(a.page, 'notifications');
      await a.page.getByRole('button', { name: 'Mark all read' }).click();
      await a.page.getByText('All read.').waitFor();
      expect(await badge(a)).toBe(0);

      expect([a.troubles, b.troubles]).toEqual([[], []]);
    },
    HANG_MS,
  );

  test(
    'an upload that is paused, and cut by a reload, goes on where it stopped',
    async () => {
      const a = await open('carla');
      await follow(a.page, 'Upload');
      const file = await makePicture(platform.folder, 6_000_000);
      const hurry = await slowUploads(a.page, 500_000);
      await a.page.getByLabel('Picture, video or sound').setInputFiles(file);
      await a.page.getByLabel('Title').fill('Large');
      await a.page.getByRole('button', { name: 'Upload', exact: true }).click();
      const bar = a.page.getByRole('progressbar');
      await eventually(async () => Number(await bar.getAttribute('value')) >= 10);
      await a.page.getByRole('button', { name: 'Pause' }).click();
      await a.page.getByText('Paused').waitFor();

      await a.page.reload();
      await a.page.getByRole('region', { name: 'Unfinished uploads' }).getByText('picture-6000000').waitFor();
      await a.page.getByLabel('Picture, video or sound').setInputFiles(file);
      await a.page.getByText('it goes on where it stopped').first().waitFor();
      expect(await a.page.getByLabel('Title').inputValue()).toBe('Large');
      await hurry();
      // Only what is missing is sent.
      const offsets = offsetsOf(a);
      await a.page.getByRole('button', { name: 'Upload', exact: true }).click();
      await a.page.getByRole('link', { name: 'Show it' }).click();
      await a.page.getByRole('heading', { name: 'Large' }).waitFor();
      expect(offsets).toHaveLength(1);
      expect(offsets[0]).toBeGreaterThan(0);
      expect(await a.page.getByTestId('player').getByRole('img').getAttribute('alt')).toBe('Large');
      expect(a.troubles).toEqual([]);
    },
    HANG_MS,
  );

  test(
    'an upload outlives a lost connection',
    async () => {
      const a = await open('klara');
      await follow(a.page, 'Upload');
      const hurry = await slowUploads(a.page, 500_000);
      await a.page
        .getByLabel('Picture, video or sound')
        .setInputFiles(await makePicture(platform.folder, 5_000_000));
      await a.page.getByRole('button', { name: 'Upload', exact: true }).click();
      const bar = a.page.getByRole('progressbar');
      await eventually(async () => Number(await bar.getAttribute('value')) >= 10);
      platform.mediaLink.cut();
      await a.page.getByText('Connection lost, trying again').waitFor();
      const offsets = offsetsOf(a);
      await hurry();
      platform.mediaLink.mend();
      await a.page.getByRole('link', { name: 'Show it' }).waitFor();
      expect(Math.min(...offsets)).toBeGreaterThan(0);
    },
    HANG_MS,
  );

  test(
    'tokens that ran out are exchanged once for all calls, also when they were refused',
    async () => {
      const { page } = await open('lena');
      await isConnected(page);
      let exchanges = 0;
      page.on('request', (request) => {
        if (request.method() === 'POST' && request.url().endsWith('/auth/refresh')) exchanges++;
      });
      for (const stale of [{ refreshAt: 0 }, { accessToken: 'not.a.token' }]) {
        exchanges = 0;
        await page.evaluate((part) => {
          const session = JSON.parse(sessionStorage.getItem('tertulia.session') ?? '{}');
          sessionStorage.setItem('tertulia.session', JSON.stringify({ ...session, ...part }));
        }, stale);
        await page.goto(`${platform.web}/notifications`);
        await isConnected(page);
        await page.getByTestId('notifications').getByText('Welcome to Tertulia').waitFor();
        expect([stale, exchanges]).toEqual([stale, 1]);
      }
      await page.evaluate(() => {
        const session = JSON.parse(sessionStorage.getItem('tertulia.session') ?? '{}');
        const ended = { ...session, accessToken: 'not.a.token', refreshToken: 'not.a.token' };
        sessionStorage.setItem('tertulia.session', JSON.stringify(ended));
      });
      await page.reload();
      await page.getByTestId('toasts').getByText('Your session has ended').waitFor();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    },
    HANG_MS,
  );

  test(
    'a thread: answers to answers, edits, tombstones, and a message that leads to its comment',
    async () => {
      const [a, b] = await Promise.all([open('moritz'), open('nora')]);
      await publish(a, await makePicture(platform.folder, 30), 'A thread');
      await say(a.page, 'Root');
      await b.page.goto(a.page.url());
      await answer(b.page, 'Root', 'One');
      await follow(b.page, 'Library');
      const message = b.page.getByTestId('toasts').getByRole('link', { name: /Two/ });
      await Promise.all([answer(a.page, 'One', 'Two'), message.click()]);
      await b.page.locator('.pointed').getByText('Two').waitFor();
      expect(await comment(b.page, 'Two').count()).toBe(3);
      // To follow it was to read it; the welcome is still unread.
      await eventually(async () => (await badge(b)) === 1);

      await press(b.page, 'One', 'Edit');
      await b.page.locator('.slot').getByLabel('Your comment').fill('One, with second thoughts');
      await b.page.getByRole('button', { name: 'Save' }).click();
      await b.page.getByText('· edited').waitFor();

      await press(b.page, 'One, with', 'Delete');
      await b.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await b.page.getByText('This comment was deleted.').waitFor();
      await comment(b.page, 'Two').last().waitFor();
      await shoot(b.page, 'thread');

      // A tombstone goes with its last reply.
      await press(a.page, 'Two', 'Delete');
      await a.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await eventually(
        async () => (await a.page.getByTestId('comments').getByRole('listitem').count()) === 1,
      );
      expect([a.troubles, b.troubles]).toEqual([[], []]);
    },
    HANG_MS,
  );

  test(
    'what is private is shown to its owner, and is not there for others',
    async () => {
      const [a, b] = await Promise.all([open('dora'), open('emil')]);
      await publish(a, await makePicture(platform.folder, 10), 'Diary');
      await a.page.getByRole('button', { name: 'Edit details' }).click();
      await a.page.getByRole('dialog').getByLabel('Who may see it').selectOption('private');
      await a.page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
      await a.page.getByRole('main').getByText('private', { exact: true }).waitFor();
      await a.page.reload();
      const picture = a.page.getByTestId('player').getByRole('img');
      await eventually(() => picture.evaluate((img) => (img as HTMLImageElement).naturalWidth > 0));
      expect(await picture.getAttribute('src')).toStartWith('blob:');
      await b.page.goto(a.page.url());
      await b.page.getByRole('heading', { name: 'This did not work' }).waitFor();
      expect(await b.page.getByRole('alert').textContent()).toBe('Not found');
    },
    HANG_MS,
  );

  test(
    'forty texts that want to be scripts stay texts',
    async () => {
      const [a, b] = await Promise.all([open('fritz'), open('gerda')]);
      await b.page.getByTestId('who').click();
      await b.page.getByRole('button', { name: 'Edit profile' }).click();
      const [first = '', second = ''] = PAYLOADS;
      await b.page.getByLabel('Name').fill(PAYLOADS[7] ?? '');
      await b.page.getByLabel('About you').fill(PAYLOADS.join('\n').slice(0, 500));
      await b.page.getByRole('button', { name: 'Save' }).click();
      await b.page.getByRole('heading', { name: PAYLOADS[7] ?? '' }).waitFor();

      await publish(a, await makePicture(platform.folder, 20), first);
      await a.page.getByRole('button', { name: 'Edit details' }).click();
      await a.page.getByRole('dialog').getByLabel('Description').fill(PAYLOADS.join('\n'));
      await a.page.getByRole('dialog').getByLabel('Tags').fill('<svg onload=window.__x=1>');
      await a.page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
      const mediaId = new URL(a.page.url()).pathname.split('/').at(-1);
      const token = await tokenOf(b.page);
      for (const content of PAYLOADS) {
        await eventually(async () => {
          const answer = await fetch(`${platform.comments}/comments`, {
            method: 'POST',
            headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
            body: JSON.stringify({ mediaId, content }),
          });
          return answer.status === 201;
        });
      }
      await comment(a.page, '<a href="javascript:window.__x=1">').first().waitFor();
      await b.page.goto(a.page.url());
      await b.page.getByRole('button', { name: 'Load more' }).click();
      const shown = b.page.getByTestId('comments').locator('.prose');
      await eventually(async () => (await shown.count()) === PAYLOADS.length);
      expect((await shown.allTextContents()).toReversed()).toEqual([...PAYLOADS]);
      await follow(a.page, 'Notifications');
      await a.page.getByTestId('notifications').getByText(second).first().waitFor();
      await follow(a.page, 'Library');
      await a.page.getByTestId('media-list').getByText(first).waitFor();
      for (const { page, troubles } of [a, b]) {
        expect(await page.evaluate(() => (window as { __x?: unknown }).__x)).toBeUndefined();
        expect(troubles).toEqual([]);
      }
    },
    HANG_MS,
  );

  test(
    'the keyboard alone signs in, and Escape closes what is open',
    async () => {
      const { page, troubles } = await open('hanna');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('link', { name: 'Sign in' }).first().waitFor();

      await page.goto(platform.web);
      await page.getByRole('heading', { name: 'Library' }).waitFor();
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content');
      await tabTo(page, 'Sign in');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await tabTo(page, 'E-mail');
      await page.keyboard.type('hanna@example.org');
      await tabTo(page, 'Password');
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press('Enter');
      await page.getByTestId('who').filter({ hasText: '@hanna' }).waitFor();

      await page.getByTestId('who').focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: '@hanna' }).waitFor();
      await tabTo(page, 'Edit profile');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect(troubles).toEqual([]);
    },
    HANG_MS,
  );

  test(
    'problems are told beside the field that they are about',
    async () => {
      const { page } = await open();
      await follow(page, 'Sign up');
      await page.getByLabel('Username').fill('x');
      await page.getByLabel('Password').fill('short');
      await page.getByRole('main').getByRole('button', { name: 'Sign up' }).click();
      await page.getByText('Username is 2 to 32 letters').waitFor();
      await page.getByText('Password is shorter than 8 characters').waitFor();
      await shoot(page, 'sign-up-problems');
      expect(await page.getByLabel('Username').evaluate((field) => field === document.activeElement)).toBe(
        true,
      );
      await follow(page, 'Sign in');
      await page.getByLabel('E-mail').fill('nobody@example.org');
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('alert').getByText('E-mail or password is wrong').waitFor();
    },
    HANG_MS,
  );

  test(
    'an administrator finds somebody and promotes them',
    async () => {
      const [admin] = await Promise.all([open(), open('ida')]);
      await signIn(admin.page, ADMIN.email, ADMIN.password);
      await follow(admin.page, 'People');
      await admin.page.getByLabel('Username or e-mail').fill('ida');
      await admin.page.getByRole('button', { name: 'Search' }).click();
      await admin.page.getByRole('button', { name: 'Role: @ida' }).click();
      await admin.page.getByRole('dialog').getByLabel('Role').selectOption('MODERATOR');
      await admin.page.getByRole('dialog').getByRole('button', { name: 'Change' }).click();
      await admin.page.getByRole('row', { name: /@ida/ }).getByText('MODERATOR').waitFor();
      await shoot(admin.page, 'people');
      expect(admin.troubles).toEqual([]);
    },
    HANG_MS,
  );

  test(
    'every page, on a desk and in a hand, by day and by night',
    async () => {
      const { page, troubles } = await open('jonas');
      await publish({ page, troubles }, await makeClip(platform.folder), 'Night train');
      await say(page, 'All aboard.');
      const pages = {
        library: '/',
        upload: '/upload',
        media: new URL(page.url()).pathname,
        notifications: '/notifications',
        frames: '/frames',
        account: '/account',
      };
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(platform.web + path);
        await isConnected(page);
        for (const [size, viewport] of Object.entries(SIZES)) {
          await page.setViewportSize(viewport);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect([name, size, overflow]).toEqual([name, size, 0]);
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme });
            await shoot(page, `${name}-${size}-${colorScheme}`);
          }
        }
      }
      expect(troubles).toEqual([]);
    },
    HANG_MS,
  );

  testAccountPages({ open, web: () => platform.web, mailbox: () => mailbox });
});

const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };

/** The number in the badge of unread notifications. */
async function badge({ page }: Visitor): Promise<number> {
  return Number.parseInt((await page.getByTestId('unread-badge').textContent()) || '0', 10);
}

/** Where in the file each part that is sent from now on begins. */
function offsetsOf({ page }: Visitor): number[] {
  const offsets: number[] = [];
  page.on('request', (request) => {
    const offset = request.headers()['upload-offset'];
    if (offset !== undefined) offsets.push(Number(offset));
  });
  return offsets;
}
