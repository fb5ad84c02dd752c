/**
 * `bun run audit:verify [--head <seal>]`: is the audit log what was sealed? Exit code 1, with the first fault,
 * when it is not. `--head` is a seal from the logs: it shows whether the end was cut off.
 */
import { install } from './install.ts';

install();
const { main } = await import('./src/audit-command.ts');
process.exitCode = await main(process.env);
