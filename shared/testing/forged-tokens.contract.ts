import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestClient } from './client.ts';
import { forgedTokens } from './forged-tokens.ts';
import type { Signer } from './signer.ts';

type Subject = {
  call: TestClient;
  signer: Signer;
  /** Claims of a good token. */
  claims: Record<string, unknown>;
  foreign?: Record<string, string>;
};

/** Tries every forgery on a guarded route of an app: the same list for every service. */
export function describeForgedTokens(
  { method, path }: { method: string; path: string },
  open: () => Promise<Subject>,
): void {
  describe(`forged and foreign tokens at ${method} ${path}`, () => {
    let subject: Subject;
    let canary: ReturnType<typeof Bun.serve>;
    let hits = 0;
    beforeAll(async () => {
      subject = await open();
      canary = Bun.serve({
        port: 0,
        fetch() {
          hits++;
          return Response.json({ keys: [] });
        },
      });
    });
    afterAll(() => canary.stop(true));

    const good = () => {
      const { signer, claims } = subject;
      return signer.sign({ alg: 'EdDSA', typ: 'JWT', kid: signer.kid }, claims);
    };

    test('401 for each, a good one is taken before and after, and nobody is asked for a key', async () => {
      const { call, foreign, signer, claims } = subject;
      const as = { token: good() };
      expect((await call(method, path, { as })).status).not.toBe(401);
      const forgeries = forgedTokens({
        signer,
        claims,
        canary: canary.url.href,
        ...(foreign && { foreign }),
      });
      expect(forgeries.length).toBeGreaterThanOrEqual(60);
      const taken: string[] = [];
      for (const { name, headers, query } of forgeries) {
        const url = query === undefined ? path : `${path}?${query}`;
        const { status, body } = await call(method, url, headers === undefined ? {} : { headers });
        if (status !== 401 || body.code !== 'unauthenticated') taken.push(`${name}: ${status}`);
      }
      expect(taken).toEqual([]);
      expect(hits).toBe(0);
      expect((await call(method, path, { as })).status).not.toBe(401);
    });

    test('other spellings of the path answer nothing that its guard would not', async () => {
      const { call } = subject;
      const [start, last] = [path.slice(0, path.lastIndexOf('/') + 1), path.slice(path.lastIndexOf('/') + 1)];
      const first = `%${last.charCodeAt(0).toString(16)}${last.slice(1)}`;
      const spellings = [
        `/${path}`,
        `/.${path}`,
        `/x/..${path}`,
        `${path}/`,
        `${path}//`,
        `${path}%2f`,
        `${path}%00`,
        `${path};x`,
        `${path}#x?y`,
        `${path}?x#y`,
        `${path}.json`,
        `${start}${first}`,
        `${start}${last.toUpperCase()}`,
        path.toUpperCase(),
        path.replace('/', '/%2e/'),
        path.replaceAll('/', '%2f').replace('%2f', '/'),
      ];
      for (const spelling of spellings) {
        for (const verb of [method, method === 'GET' ? 'HEAD' : 'POST']) {
          const { status } = await call(verb, spelling, {
            headers: { 'X-HTTP-Method-Override': method, 'X-Original-URL': path, 'X-Rewrite-URL': path },
          });
          expect([spelling, status >= 400]).toEqual([spelling, true]);
        }
      }
    });
  });
}
