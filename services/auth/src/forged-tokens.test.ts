import { afterAll } from 'bun:test';
import { describeForgedTokens } from '@tertulia/shared/testing/forged-tokens.contract';
import { createSigner } from '@tertulia/shared/testing/signer';
import { signingKeys } from './db/schema.ts';
import { unsealPrivateKey } from './keys/key-pair.ts';
import { hashOf } from './keys/seal.ts';
import { createTestApp } from './test-app.ts';

let app: Awaited<ReturnType<typeof createTestApp>>;
afterAll(() => app.close());

/** The real key of auth, and everything else that it hands out. */
describeForgedTokens({ method: 'GET', path: '/auth/profile' }, async () => {
  app = await createTestApp();
  const user = await app.signUp('ADMIN');
  const [row] = await app.database.db.select().from(signingKeys);
  if (row === undefined) throw new Error('no signing key');
  const signer = createSigner(
    await unsealPrivateKey(app.deps.secrets.sealing, row.sealedPrivateJwk),
    row.kid,
  );
  const claims = JSON.parse(Buffer.from(user.token.split('.')[1] ?? '', 'base64url').toString());
  const foreign = {
    'a refresh token': user.refreshToken,
    'the hash of a refresh token': hashOf(user.refreshToken),
  };
  return { call: app.call, signer, claims, foreign };
});
