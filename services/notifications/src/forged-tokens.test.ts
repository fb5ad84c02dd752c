import { afterAll } from 'bun:test';
import { describeForgedTokens } from '@tertulia/shared/testing/forged-tokens.contract';
import { createTestApp } from './test-app.ts';

let app: Awaited<ReturnType<typeof createTestApp>>;
afterAll(() => app.close());

describeForgedTokens({ method: 'GET', path: '/notifications/unread-count' }, async () => {
  app = await createTestApp();
  const { call, tokens } = app;
  return { call, signer: tokens.signer, claims: tokens.claims('ADMIN') };
});
