import { afterAll } from 'bun:test';
import { describeForgedTokens } from '@tertulia/shared/testing/forged-tokens.contract';
import { createTestApp } from './test-app.ts';

let app: Awaited<ReturnType<typeof createTestApp>>;
afterAll(() => app.close());

describeForgedTokens(
  { method: 'DELETE', path: '/comments/0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f' },
  async () => {
    app = await createTestApp();
    const { call, tokens } = app;
    return { call, signer: tokens.signer, claims: tokens.claims('ADMIN') };
  },
);
