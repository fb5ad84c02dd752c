/** `bun run verify:compose`: the main job, on the production stack in containers. Needs a container engine. */
import { install } from './install.ts';

install();
const { main } = await import('./compose/verify.ts');
await main();
