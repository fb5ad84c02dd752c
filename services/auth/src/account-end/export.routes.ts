import { createRoute, z } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, problemResponses } from '@tertulia/shared/http/router';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { exportOf } from './export.ts';

export function exportRoutes(deps: Deps) {
  const { db, env, findUser, guards, limits } = deps;
  const exports = limits({ name: 'exports', points: env.EXPORTS_PER_HOUR, seconds: 3600 });
  const router = createRouter();
  // Registered by hand: the library would want the whole object at once.
  router.openAPIRegistry.registerPath(
    createRoute({
      method: 'get',
      path: '/auth/account/export',
      tags: ['End of an account'],
      summary: 'All that this service holds of you',
      description:
        'A JSON object: `user`, `totp`, `recoveryCodes` (how many are left), and lists of `passkeys`, `devices`, `sessions` and `audit`. No secrets and no hashes. Media, comments and notifications are read from their services.',
      ...declareAccess('user'),
      responses: {
        200: {
          description: 'The export.',
          content: { 'application/json': { schema: z.any().openapi({ type: 'object' }) } },
        },
        ...problemResponses('unauthenticated', 'rate_limited'),
      },
    }),
  );
  router.get('/auth/account/export', guards.user.middleware, async (c) => {
    const user = await findUser(c.var.caller.userId);
    if (user === undefined) throw new Problem('unauthenticated');
    await exports.consume(user.id);
    const personal = { address: c.var.address, userAgent: c.req.header('User-Agent') };
    const event = { action: 'user.exported', actorId: user.id, userId: user.id, personal } as const;
    await db.transaction((tx) => audit(tx, event));
    c.header('Cache-Control', 'no-store');
    c.header('Content-Disposition', 'attachment; filename="tertulia-account.json"');
    c.header('Content-Type', 'application/json');
    return c.body(toStream(exportOf(db, user)), 200);
  });
  return router;
}

/** Read as the client reads; a client that goes away ends it. */
function toStream(pieces: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await pieces.return(undefined);
    },
  });
}
