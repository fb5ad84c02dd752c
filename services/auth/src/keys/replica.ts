import { openDatabase } from '@tertulia/shared/db/database';
import { createRevocations } from '@tertulia/shared/tokens/revocations';
import { createTokenVerifier } from '@tertulia/shared/tokens/verify';
import { createDeps } from '../deps.ts';
import type { createTestApp } from '../test-app.ts';
import { startKeyWatch } from './key-watch.ts';

/** For tests: a second process's worth of auth on the same database, with what keeps its keys up to date. */
export async function openReplica(auth: Awaited<ReturnType<typeof createTestApp>>) {
  const database = openDatabase({ url: auth.database.url, name: 'replica', max: 3 });
  const deps = await createDeps(auth.env, auth.deps.log, database, auth.deps.limits, {});
  // What is learned in time is learned by NOTIFY.
  const watch = startKeyWatch(deps, database.sql, 3600_000);
  const { TOKEN_ISSUER: issuer, TOKEN_AUDIENCE: audience } = auth.env;
  return {
    deps,
    verifier: createTokenVerifier({
      keys: deps.keys.source,
      issuer,
      audience,
      revocations: createRevocations(),
    }),
    kids: () => deps.keys.publicKeys().map(({ kid }) => kid),
    async close() {
      await watch.stop();
      await database.close();
    },
  };
}
