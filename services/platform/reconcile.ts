/**
 * `bun run users:reconcile [--fix]`: does any service hold something of a user who has no account? Exit code 1
 * when one does. With `--fix`, those who were deleted are let go of.
 */
import { install } from './install.ts';

install();
const { main } = await import('./src/reconcile-command.ts');
process.exitCode = await main(process.env);
