/** `bun run bench [name …]`: a table, each figure beside a yardstick of the same run. */
import { install } from '../install.ts';
import type { BenchRow } from './row.ts';

install();
const { openTestCluster, TEST_POSTGRES_URL } = await import('@tertulia/shared/testing/postgres');

const BENCHES: Record<string, () => Promise<BenchRow[]>> = {
  start: async () => (await import('./start.bench.ts')).startBench(),
  profile: async () => (await import('./profile.bench.ts')).profileBench(),
  tokens: async () => (await import('./tokens.bench.ts')).tokensBench(),
  login: async () => (await import('./login.bench.ts')).loginBench(),
  enumeration: async () => (await import('./enumeration.bench.ts')).enumerationBench(),
  tus: async () => (await import('./tus.bench.ts')).tusBench(),
  library: async () => (await import('./library.bench.ts')).libraryBench(),
  download: async () => (await import('./download.bench.ts')).downloadBench(),
  spine: async () => (await import('./spine.bench.ts')).spineBench(),
};

const wanted = process.argv.slice(2);
const names = wanted.length > 0 ? wanted : Object.keys(BENCHES);
const cluster = await openTestCluster();
process.env[TEST_POSTGRES_URL] = cluster.adminUrl;

const rows: BenchRow[] = [];
for (const name of names) {
  const bench = BENCHES[name];
  if (bench === undefined)
    throw new Error(`no such benchmark: ${name}; there are ${Object.keys(BENCHES).join(', ')}`);
  console.log(`running ${name} …`);
  rows.push(...(await bench()));
}
await cluster.close();
console.table(Object.fromEntries(rows.map(({ what, ...figures }) => [what, figures])));
process.exit(0);
