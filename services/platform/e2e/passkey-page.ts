import { createTestApp } from '@tertulia/auth/test-app';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import type { Browser, CDPSession, Page } from 'playwright-core';

export type Answer = {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  body: any;
};

const HTML = '<!doctype html><meta charset="utf-8"><title>Passkeys</title>';

/**
 * Auth behind a page of its own at `WEB_URL`, as a front end would have it, and behind another one on the same
 * host: passkeys are offered there too, as browsers go by the host, but must not be taken.
 */
export async function startPasskeySite(settings: Record<string, string> = {}) {
  const [port, otherPort] = [await freePort(), await freePort()];
  const [web, other] = [`http://localhost:${port}`, `http://localhost:${otherPort}`];
  const auth = await createTestApp({ WEB_URL: web, CORS_ORIGINS: web, ...settings });
  const serve = (at: number) =>
    Bun.serve({
      port: at,
      fetch(request) {
        if (new URL(request.url).pathname !== '/') return auth.app.fetch(request);
        return new Response(HTML, { headers: { 'Content-Type': 'text/html' } });
      },
    });
  const servers = [serve(port), serve(otherPort)];
  return {
    auth,
    web,
    other,
    async close() {
      await Promise.all(servers.map((server) => server.stop(true)));
      await auth.close();
    },
  };
}

/** A page with an authenticator that says yes at once, in a browser context of its own. */
export async function openAuthenticator(browser: Browser, url: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { page, cdp, authenticatorId, close: () => context.close() };
}

export type Authenticator = { page: Page; cdp: CDPSession; authenticatorId: string };

/** Calls auth from the page, as its script would. */
export function post(page: Page, path: string, body: unknown, token?: string): Promise<Answer> {
  return page.evaluate(
    async ([path, body, token]) => {
      const response = await fetch(path, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        },
        body,
      });
      return { status: response.status, body: await response.json() };
    },
    [path, JSON.stringify(body), token ?? null] as const,
  );
}

/** `navigator.credentials.create`, and what it returns as JSON. */
export function create(page: Page, options: unknown): Promise<Record<string, unknown>> {
  return page.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as never);
    const credential = await navigator.credentials.create({ publicKey });
    return (credential as PublicKeyCredential).toJSON() as never;
  }, options);
}

/** `navigator.credentials.get`, and what it returns as JSON. */
export function get(page: Page, options: unknown): Promise<Record<string, unknown>> {
  return page.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as never);
    const credential = await navigator.credentials.get({ publicKey });
    return (credential as PublicKeyCredential).toJSON() as never;
  }, options);
}

/** Adds a passkey; the whole round trip. */
export async function addPasskey(page: Page, token: string, name = 'Laptop'): Promise<Answer> {
  const options = await post(page, '/auth/passkeys/options', {}, token);
  return post(page, '/auth/passkeys', { name, credential: await create(page, options.body) }, token);
}

export const beginSignIn = async (page: Page) => (await post(page, '/auth/login/passkey/options', {})).body;
export const finishSignIn = (page: Page, credential: unknown) =>
  post(page, '/auth/login/passkey', { credential });

/** Signs in; the whole round trip. */
export async function signIn(page: Page): Promise<Answer> {
  return finishSignIn(page, await get(page, await beginSignIn(page)));
}
