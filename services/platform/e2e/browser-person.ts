import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';

export const PASSWORD = 'correct horse battery';

/** Somebody before a window of their own. */
export type Visitor = {
  page: Page;
  /** What must not happen: errors in the console, uncaught ones, dialogs of the browser. */
  troubles: string[];
};

/** Where the client and auth are. */
type Addresses = { web: string; auth: string };

export type Windows = {
  take(): BrowserContext;
  /** After a test, however it went: all are free again. */
  reset(): Promise<void>;
};

/**
 * Windows for two people at a time. They stay open between tests, as opening one takes the better part of a
 * second; and two people in tabs of one window would be slower still, for what is behind gets a frame a second.
 */
export async function openWindows(browser: Browser): Promise<Windows> {
  const viewport = { width: 1280, height: 800 };
  const windows = await Promise.all([browser.newContext({ viewport }), browser.newContext({ viewport })]);
  // Its last tab would close the window.
  await Promise.all(windows.map((window) => window.newPage()));
  let taken = 0;
  return {
    take() {
      const window = windows[taken++];
      if (window === undefined) throw new Error('there are windows for two people');
      return window;
    },
    async reset() {
      taken = 0;
      const left = windows.flatMap((window) => window.pages().slice(1));
      await Promise.all(left.map((page) => page.close()));
    },
  };
}

/** Opens the client as whom `username` names, who is made for it; else nobody is signed in. */
export async function openVisitor(
  windows: Windows,
  { web, auth }: Addresses,
  username?: string,
): Promise<Visitor> {
  const window = windows.take();
  const [page, session] = await Promise.all([
    window.newPage(),
    username === undefined ? undefined : register(auth, username),
  ]);
  if (session !== undefined) await page.addInitScript(seedSession, JSON.stringify(session));
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // That a service refused something is no trouble: the page has to tell of it.
    const refusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !refusal) troubles.push(`console: ${message.text()}`);
  });
  page.on('dialog', async (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.goto(web);
  if (session !== undefined) await page.getByTestId('who').waitFor();
  return { page, troubles };
}

/** What the client keeps of who is signed in. */
async function register(auth: string, username: string) {
  const answer = await fetch(`${auth}/auth/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, email: `${username}@example.org`, password: PASSWORD }),
  });
  if (answer.status !== 201) throw new Error(`auth does not make @${username}: ${await answer.text()}`);
  const { user, accessToken, refreshToken } = (await answer.json()) as Record<string, unknown>;
  return { user, accessToken, refreshToken, refreshAt: Date.now() + 600_000 };
}

/** Runs in the tab before the client does: once, as what the client does with it later is its own business. */
function seedSession(session: string): void {
  if (location.protocol !== 'http:' || sessionStorage.getItem('seeded') !== null) return;
  sessionStorage.setItem('seeded', '1');
  sessionStorage.setItem('tertulia.session', session);
}

export async function signUp(page: Page, username: string): Promise<void> {
  await follow(page, 'Sign up');
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('E-mail').fill(`${username}@example.org`);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('main').getByRole('button', { name: 'Sign up' }).click();
  await page
    .getByTestId('who')
    .filter({ hasText: `@${username}` })
    .waitFor();
}

export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await follow(page, 'Sign in');
  await giveCredentials(page, email, password);
  await page.getByTestId('who').waitFor();
}

/** Into the form that is shown. */
export async function giveCredentials(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** By a link of the page: nothing is loaded anew. */
export async function follow(page: Page, name: string): Promise<void> {
  await page.getByRole('banner').getByRole('link', { name }).first().click();
}

export function comment(page: Page, text: string): Locator {
  return page.getByTestId('comments').getByRole('listitem').filter({ hasText: text });
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Your comment').fill(text);
  await page.getByRole('button', { name: 'Comment', exact: true }).click();
  await comment(page, text).first().waitFor();
}

/** Presses a button of the comment with this text, once that is there. */
export async function press(page: Page, text: string, button: string): Promise<void> {
  const own = comment(page, text).last();
  await own.getByRole('button', { name: button, exact: true }).first().click();
}

/** Answers a comment. */
export async function answer(page: Page, to: string, text: string): Promise<void> {
  await press(page, to, 'Reply');
  await page.locator('.slot').getByLabel('Your reply').fill(text);
  await page.locator('.slot').getByRole('button', { name: 'Reply' }).click();
  await comment(page, text).first().waitFor();
}

export async function isConnected(page: Page): Promise<void> {
  await page.getByTestId('connection').filter({ hasText: 'Live' }).waitFor();
}

/** Slows what this page sends; uploads are then seen on their way. */
export async function slowUploads(page: Page, bytesPerSecond: number): Promise<() => Promise<void>> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  const limit = (uploadThroughput: number) =>
    devtools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput,
    });
  await limit(bytesPerSecond);
  return async () => {
    await limit(-1);
  };
}

/** Presses Tab until something of this label or text has the focus. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      const labels = element instanceof HTMLInputElement ? [...(element.labels ?? [])] : [element];
      return labels.map((label) => label?.textContent).join();
    });
    if (focused === name) return;
  }
  throw new Error(`the keyboard does not get to ${name}`);
}

/** The access token of whoever is signed in on this page. */
export function tokenOf(page: Page): Promise<string> {
  return page.evaluate(() => JSON.parse(sessionStorage.getItem('tertulia.session') ?? '{}').accessToken);
}
