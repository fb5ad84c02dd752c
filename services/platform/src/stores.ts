import { resolve } from 'node:path';
import type { EnvSource } from '@tertulia/shared/config/env';
import { explain, fail, stopOnSignal } from '@tertulia/shared/runtime/service';
import { watchLaunchers } from './launchers.ts';
import { openStores } from './platform.ts';

/** Runs the stores that no variable names, prints the variables as shell lines, and waits. */
export async function main(given: EnvSource): Promise<void> {
  const source: EnvSource = { ...given, DATA_DIR: resolve(given.DATA_DIR || '.data') };
  const cluster = await openStores(source).catch((error: unknown) =>
    fail('stores', explain(error, { portVariable: 'DATA_DIR' })),
  );
  for (const [name, value] of Object.entries(source)) {
    if (given[name] !== value) console.log(`export ${name}='${value}'`);
  }
  stopOnSignal(async () => cluster?.close());
  watchLaunchers(() => process.kill(process.pid, 'SIGTERM'));
  // Postgres is a process of its own: this one stays for it.
  setInterval(() => {}, 60_000);
}
