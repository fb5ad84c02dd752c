/**
 * `npm start`: installs what the lockfile says, then runs everything in this process. Imports nothing that
 * an install would have to bring first.
 */
import { install } from './install.ts';

install();
const { main } = await import('./src/main.ts');
await main(process.env);
