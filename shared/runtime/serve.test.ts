import { expect, test } from 'bun:test';
import { createLog } from './log.ts';
import { serve } from './serve.ts';

const log = createLog('test', 'silent');
const options = { hostname: '127.0.0.1', port: 0, drainSeconds: 5, log };

test('draining lets a running request finish, and accepts no more', async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const running = serve({
    ...options,
    async fetch() {
      arrive();
      await released;
      return new Response('done');
    },
  });
  const url = `http://127.0.0.1:${running.port}`;
  const answer = fetch(url).then((response) => response.text());
  await arrived;
  const stopping = running.stop();
  await expect(fetch(url)).rejects.toThrow();
  release();
  expect(await answer).toBe('done');
  await stopping;
});

test('what does not finish in time is cut', async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const running = serve({
    ...options,
    drainSeconds: 0.05,
    fetch() {
      arrive();
      return new Promise<Response>(() => {});
    },
  });
  const answer = fetch(`http://127.0.0.1:${running.port}`);
  await arrived;
  await running.stop();
  await expect(answer).rejects.toThrow();
});

test('a taken port is an error, not a shared one', async () => {
  const first = serve({ ...options, fetch: () => new Response('first') });
  const second = () => serve({ ...options, port: first.port, fetch: () => new Response('second') });
  expect(second).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
  await first.stop();
});
