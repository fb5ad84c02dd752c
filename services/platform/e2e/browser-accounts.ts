import { expect, test } from 'bun:test';
import { codeOf } from '@tertulia/auth/mfa/testing';
import type { Mailbox } from '@tertulia/auth/testing/mailbox';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import type { Page } from 'playwright-core';
import { shoot } from './browser.ts';
import { follow, giveCredentials, isConnected, PASSWORD, signIn, type Visitor } from './browser-person.ts';

const NEW_PASSWORD = 'another horse entirely';

type Stage = {
  open(username?: string): Promise<Visitor>;
  /** Where the client is, and what auth has mailed; known once everything runs. */
  web(): string;
  mailbox(): Mailbox;
};

/** The tests of the pages about accounts. A stack and a browser cost more than they do, so they have none of their own. */
export function testAccountPages({ open, web, mailbox }: Stage): void {
  const leave = (page: Page) => page.getByRole('button', { name: 'Sign out', exact: true }).click();

  test(
    'a forgotten password: a mail, a link whose token nobody sees, a new password',
    async () => {
      const { page, troubles } = await open('paula');
      await leave(page);
      await follow(page, 'Sign in');
      await page.getByRole('link', { name: 'Choose a new password' }).click();
      await page.getByLabel('E-mail').fill('paula@example.org');
      await page.getByRole('button', { name: 'Send the mail' }).click();
      await page.getByText('a mail with a link is on its way').waitFor();

      const mail = await mailbox().wait('paula@example.org', /password/i);
      const link = /http\S+\/reset-password#token=[\w-]+/.exec(mail.text ?? '')?.[0] ?? '';
      await page.goto(link);
      await page.getByLabel('New password').fill('short');
      // Gone from the address at once, and nothing before it in the history.
      expect(page.url()).toBe(`${web()}/reset-password`);
      await page.getByRole('button', { name: 'Set the password' }).click();
      await page.getByText('New password is shorter than 8 characters').waitFor();
      await page.getByLabel('New password').fill(NEW_PASSWORD);
      await page.getByRole('button', { name: 'Set the password' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await signIn(page, 'paula@example.org', NEW_PASSWORD);

      await page.goto(link);
      await page.getByLabel('New password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Set the password' }).click();
      await page.getByText('This link was used').waitFor();
      expect(troubles).toEqual([]);
    },
    HANG_MS,
  );

  test(
    'a session that is ended from another one is over at once, in front of who looks at it',
    async () => {
      const [here, there] = await Promise.all([open('quirin'), open()]);
      await signIn(there.page, 'quirin@example.org', PASSWORD);
      await isConnected(there.page);
      await follow(here.page, 'Account');
      const sessions = here.page.getByTestId('sessions').getByRole('listitem');
      await sessions.nth(1).waitFor();
      expect(await sessions.filter({ hasText: 'This one' }).count()).toBe(1);
      await shoot(here.page, 'sessions');
      await here.page.getByRole('button', { name: /End the session/ }).click();
      await there.page.getByTestId('toasts').getByText('Your session has ended').waitFor();
      await there.page.getByRole('banner').getByRole('link', { name: 'Sign in' }).waitFor();
      await sessions.nth(1).waitFor({ state: 'detached' });
      expect([here.troubles, there.troubles]).toEqual([[], []]);
    },
    HANG_MS,
  );

  test(
    'an authenticator app: set up, recovery codes shown once, asked for at sign-in',
    async () => {
      const { page, troubles } = await open('rosa');
      await page.goto(`${web()}/account`);
      const app = page.getByTestId('authenticator');
      await app.getByRole('button', { name: 'Set up an app' }).click();
      await page.getByRole('dialog').getByLabel('Your password').fill(PASSWORD);
      await page.getByRole('dialog').getByRole('button', { name: 'Go on' }).click();
      await app.getByRole('img', { name: /QR code/ }).waitFor();
      const secret = ((await page.getByTestId('secret').textContent()) ?? '').replaceAll(' ', '');
      await page.getByLabel('Code that the app shows').fill(codeOf(secret));
      await app.getByRole('button', { name: 'Confirm' }).click();
      const codes = page.getByTestId('recovery-codes').getByRole('listitem');
      const recoveryCode = (await codes.first().textContent()) ?? '';
      expect(await codes.count()).toBe(10);
      await shoot(page, 'recovery-codes');
      await app.getByRole('button', { name: 'I have them' }).click();
      await app.getByText('10 recovery codes left').waitFor();

      // Each code works once: now that of the next 30 s, which auth takes already.
      for (const code of [() => codeOf(secret, 1), () => recoveryCode]) {
        await leave(page);
        await page.goto(`${web()}/sign-in?next=/account`);
        await giveCredentials(page, 'rosa@example.org');
        await page.getByLabel('Code').fill('wrong');
        await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click();
        await page.getByText('The code is not valid').waitFor();
        await page.getByLabel('Code').fill(code());
        await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('heading', { name: 'Account', exact: true }).waitFor();
      }
      await app.getByText('9 recovery codes left').waitFor();
      expect(troubles).toEqual([]);
    },
    HANG_MS,
  );

  test(
    'who stays signed in is so in every tab, and no script can read by what',
    async () => {
      const { page } = await open('simon');
      await leave(page);
      await follow(page, 'Sign in');
      await page.getByLabel('Stay signed in').check();
      await giveCredentials(page, 'simon@example.org');
      await page.getByTestId('who').waitFor();
      const kept = await page.evaluate(() => document.cookie + sessionStorage.getItem('tertulia.session'));
      expect(kept).toContain('@example.org');
      expect(kept).not.toContain('refreshToken');
      const second = await page.context().newPage();
      await second.goto(web());
      await second.getByTestId('who').filter({ hasText: '@simon' }).waitFor();
      await isConnected(second);
      await page.bringToFront();
      await leave(page);
      await second.getByTestId('toasts').getByText('Your session has ended').waitFor();
      await page.reload();
      await page.getByRole('banner').getByRole('link', { name: 'Sign in' }).waitFor();
    },
    HANG_MS,
  );

  test(
    'an account that is being deleted is offered back at sign-in',
    async () => {
      const { page } = await open('tilda');
      await page.goto(`${web()}/account`);
      await page.getByRole('button', { name: 'Delete my account' }).click();
      await page.getByRole('dialog').getByLabel('Your password').fill(PASSWORD);
      await page.getByRole('dialog').getByRole('button', { name: 'Delete my account' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await giveCredentials(page, 'tilda@example.org');
      await page.getByRole('heading', { name: 'Your account is being deleted' }).waitFor();
      await page.getByRole('button', { name: 'Restore my account' }).click();
      await page.getByText('Your account is back').waitFor();
      await giveCredentials(page, 'tilda@example.org');
      await page.getByTestId('who').waitFor();
    },
    HANG_MS,
  );
}
