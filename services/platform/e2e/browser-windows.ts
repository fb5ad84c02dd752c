import type { Browser, Page } from 'playwright-core';

export type Windows = {
  /** The page of a window that nobody uses. */
  take(): Page;
  /** After a test, however it went: all are free again. */
  reset(): Promise<void>;
};

const VIEWPORT = { width: 1280, height: 800 };

/**
 * Windows for two people at a time, with a page each that every test takes over from the one before: a new
 * window or tab takes a process, and most of a second. Two people in tabs of one window would be slower still,
 * for what is behind gets a frame a second.
 */
export async function openWindows(browser: Browser): Promise<Windows> {
  const open = async () => (await browser.newContext({ viewport: VIEWPORT })).newPage();
  const pages = await Promise.all([open(), open()]);
  let taken = 0;

  async function clean(page: Page): Promise<void> {
    for (const event of ['pageerror', 'console', 'dialog', 'request'] as const)
      page.removeAllListeners(event);
    const others = page.context().pages();
    await Promise.all(others.filter((other) => other !== page).map((other) => other.close()));
    await page.context().clearCookies();
    await page.emulateMedia({ colorScheme: null });
    await page.setViewportSize(VIEWPORT);
  }

  return {
    take() {
      const page = pages[taken++];
      if (page === undefined) throw new Error('there are windows for two people');
      return page;
    },
    async reset() {
      taken = 0;
      await Promise.all(pages.map(clean));
    },
  };
}
