import { afterAll, beforeAll, expect, test } from 'bun:test';
import { deflateSync } from 'node:zlib';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { CHROMIUM, describeWith } from '@tertulia/shared/testing/needs';
import type { Browser } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import { ask, type Person, signUp } from './people.ts';
import { type Stack, startStack } from './stack.ts';

const HTML = '<html><script>window.name = "ran"; window.ran = 1; alert(1)</script></html>';
const [WIDTH, HEIGHT] = [400, 10];

/** A whole PNG, whose pixels are markup: nothing is behind it, and nothing is hidden from anybody. */
function markedUpPicture(): Uint8Array<ArrayBuffer> {
  const rows = Buffer.alloc((1 + WIDTH * 3) * HEIGHT);
  // Beyond what any sniffer looks at. Level 0 stores it as it is.
  rows.write(HTML, (1 + WIDTH * 3) * 3 + 1, 'latin1');
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH, 0);
  header.writeUInt32BE(HEIGHT, 4);
  header.set([8, 2], 8);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    crc.writeUInt32BE(Bun.hash.crc32(body));
    return Buffer.concat([length, body, crc]);
  };
  const chunks = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 0 })),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return new Uint8Array(Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]));
}

describeWith(CHROMIUM)('content in Chromium', () => {
  let stack: Stack;
  let browser: Browser;
  let ana: Person;
  beforeAll(async () => {
    [stack, browser] = await Promise.all([startStack(), launchBrowser()]);
    ana = await signUp(stack, 'ana');
  }, HANG_MS);
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });

  test(
    'no script of it runs: opened by itself, in a frame, as a script, or as whatever a page calls it',
    async () => {
      const form = new FormData();
      // Called what it would like to be.
      form.set('file', new Blob([markedUpPicture()], { type: 'text/html' }), 'page.html');
      const address = `${stack.url('media')}/media`;
      const headers = { Authorization: `Bearer ${ana.token}` };
      const made = await fetch(address, { method: 'POST', headers, body: form });
      expect(made.status).toBe(201);
      const { id } = (await made.json()) as { id: string };
      const content = `${address}/${id}/content`;
      expect(Buffer.from(await (await fetch(content)).bytes()).toString('latin1')).toContain(HTML);
      const { url } = await ask('POST', `${address}/${id}/sign`, { as: ana });
      const page = await browser.newPage();
      const dialogs: string[] = [];
      page.on('dialog', (dialog) => {
        dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      for (const target of [content, url]) {
        await page.goto(target);
        expect(await page.evaluate('document.contentType')).toBe('image/png');
        expect(await page.evaluate('window.ran ?? window.name')).toBe('');
      }
      const host = Bun.serve({
        port: 0,
        fetch: () =>
          new Response(
            `<!doctype html><img src="${content}"><iframe src="${content}"></iframe>
             <script src="${content}"></script><script type="module" src="${content}"></script>
             <object data="${content}" type="text/html"></object><embed src="${content}" type="text/html">
             <link rel="stylesheet" href="${content}">`,
            { headers: { 'Content-Type': 'text/html' } },
          ),
      });
      await page.goto(host.url.href, { waitUntil: 'load' });
      expect(await page.evaluate('document.images[0].naturalWidth')).toBe(WIDTH);
      for (const frame of page.frames()) {
        expect(await frame.evaluate('window.ran ?? null').catch(() => null)).toBeNull();
      }
      expect(dialogs).toEqual([]);
      await host.stop(true);
    },
    HANG_MS,
  );
});
