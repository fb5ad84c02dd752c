import { createRouter } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { mountCreate } from './uploads.create.ts';
import { mountDelete } from './uploads.delete.ts';
import { mountHead } from './uploads.head.ts';
import { mountOptions } from './uploads.options.ts';
import { mountOverride } from './uploads.override.ts';
import { mountPatch } from './uploads.patch.ts';

/** tus 1.0.0, one file per verb. The protocol: https://tus.io/protocols/resumable-upload */
export function uploadsRoutes(deps: Deps) {
  const router = createRouter();
  mountOptions(router, deps);
  mountCreate(router, deps);
  mountHead(router, deps);
  mountPatch(router, deps);
  mountDelete(router, deps);
  mountOverride(router, deps);
  return router;
}
