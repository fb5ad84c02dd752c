/**
 * `bun run blobs:check [--fix]`: is everything stored that media, renditions and uploads name, and nothing else?
 * Exit code 1 when not. `--fix` removes what nothing names, if it is older than an hour. Holes have no cure but a
 * backup.
 */
import { install } from './install.ts';

install();
const { main } = await import('./src/blobs-command.ts');
process.exitCode = await main(process.env);
