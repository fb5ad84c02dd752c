import type { EnvSource } from '@tertulia/shared/config/env';
import { fail, stopOnSignal } from '@tertulia/shared/runtime/service';
import { watchLaunchers } from './launchers.ts';
import { type Platform, StartError, startPlatform } from './platform.ts';

/** Everything in one process, until a signal, or the end of whoever launched it. */
export async function main(source: EnvSource): Promise<void> {
  let platform: Platform;
  try {
    platform = await startPlatform({
      ...source,
      LOG_LEVEL: source.LOG_LEVEL || 'warn',
      SHUTDOWN_SECONDS: source.SHUTDOWN_SECONDS || '3',
    });
  } catch (error) {
    if (error instanceof StartError) fail('tertulia', error.lines);
    throw error;
  }
  stopOnSignal(platform.stop);
  watchLaunchers(() => process.kill(process.pid, 'SIGTERM'));
  console.log(welcome(platform, process.uptime()));
}

/** What a person sees once everything listens. */
function welcome({ services, carrier, dataDir }: Platform, seconds: number): string {
  const rows = services.map(({ name, port }) => {
    const address = `http://localhost:${port}`;
    return name === 'web' ? ['web client', address, ''] : [name, address, `${address}/api/docs`];
  });
  const table = [['service', 'address', 'API documentation'], ...rows];
  const widths = [0, 1].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const line = (row: string[]) =>
    `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('   ')}`.trimEnd();
  const greetings = services.flatMap(({ greeting }) =>
    greeting ? [`  ${greeting}   (shown this once)`] : [],
  );
  return [
    '',
    `Tertulia is ready (${seconds.toFixed(1)} s).`,
    '',
    ...table.map(line),
    '',
    `  stores: ${dataDir === undefined ? 'as configured' : `embedded Postgres in ${dataDir}`}; events are carried by ${carrier}`,
    ...greetings,
    '',
    '  Ctrl-C stops everything.',
    '',
  ].join('\n');
}
