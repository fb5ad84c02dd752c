import { fetchOf } from '@tertulia/shared/http/app';
import { serve } from '@tertulia/shared/runtime/serve';
import type { TestApp } from '../test-app.ts';

export type Got = { status: number; headers: Headers; bytes: Uint8Array };

/** A test app over a socket: what Bun adds to a file's answer shows only there. */
export function overSocket(media: TestApp) {
  const running = serve({
    fetch: fetchOf(media.app),
    hostname: '127.0.0.1',
    port: 0,
    drainSeconds: 1,
    log: media.deps.log,
  });
  const origin = `http://127.0.0.1:${running.port}`;
  return {
    origin,
    port: running.port,
    async get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
      const response = await fetch(new URL(path, origin), { method, headers, redirect: 'manual' });
      return { status: response.status, headers: response.headers, bytes: await response.bytes() };
    },
    stop: running.stop,
  };
}

export type OverSocket = ReturnType<typeof overSocket>;

export const bearer = (user: { token: string }) => ({ Authorization: `Bearer ${user.token}` });
