/** `bun run build`: bundles the page ahead, so that production only reads files. */
import { writeBundle } from './bundle.ts';

await writeBundle();
