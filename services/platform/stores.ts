/** `bun run stores`: the embedded Postgres alone, and the variables that point services at it. */
import { install } from './install.ts';

install();
const { main } = await import('./src/stores.ts');
await main(process.env);
