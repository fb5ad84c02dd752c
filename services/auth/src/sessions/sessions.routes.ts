import { createRoute, z } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import type { CallerEnv } from '@tertulia/shared/http/context';
import { idParam } from '@tertulia/shared/http/fields';
import { cursorOf, pageQuery, pageSchema, toPage } from '@tertulia/shared/http/pages';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, json, problemResponses } from '@tertulia/shared/http/router';
import type { Context } from 'hono';
import type { Deps } from '../deps.ts';
import { hashOf } from '../keys/seal.ts';
import { endSessions, type Which } from '../revocation/revoke.ts';
import { byCookie, forgetRefreshCookie, refreshCookieHeader } from './refresh-cookie.ts';
import { findOwner, listSessions } from './sessions.repository.ts';
import { sessionSchema, toSession } from './sessions.schema.ts';

const tags = ['Sessions'];
const over = { 204: { description: 'It is over.' } };

export function sessionsRoutes(deps: Deps) {
  const { db, env, guards, lastUse } = deps;
  const router = createRouter();

  /** Ends sessions of a user, who does it. Returns the ids of those that lived. */
  function end(userId: string, which: Which, traceparent: string | undefined): Promise<string[]> {
    const cause = { actorId: userId, reason: 'logout', lifeSeconds: env.ACCESS_TOKEN_SECONDS, traceparent };
    return db.transaction((tx) => endSessions(tx, userId, which, cause));
  }

  const cursor = cursorOf('auth/sessions', z.uuid());
  router.openapi(
    createRoute({
      method: 'get',
      path: '/auth/sessions',
      tags,
      summary: 'Where you are signed in',
      ...guards.user,
      request: { query: pageQuery },
      responses: {
        200: json(pageSchema(sessionSchema), 'A page of sessions, newest first.'),
        ...problemResponses('invalid_page', 'unauthenticated', 'invalid_fields'),
      },
    }),
    async (c) => {
      const { userId, sessionId } = c.var.caller;
      const { limit, ...page } = c.req.valid('query');
      const rows = await listSessions(db, userId, cursor.decode(page.cursor), limit + 1);
      const used = await lastUse.read(rows.map(({ id }) => id));
      const present = (row: (typeof rows)[number]) => {
        const lastUsedAt = new Date(Math.max(used.get(row.id) ?? 0, row.lastUsedAt.getTime()));
        return toSession(row, { lastUsedAt, current: row.id === sessionId });
      };
      c.header('Cache-Control', 'private, no-store');
      return c.json(
        toPage(rows, limit, present, (last) => cursor.encode(last.id)),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/auth/sessions/{id}',
      tags,
      summary: 'End a session, such as that of a lost device',
      ...guards.user,
      request: { params: idParam },
      responses: { ...over, ...problemResponses('unauthenticated', 'not_found') },
    }),
    async (c) => {
      const ended = await end(c.var.caller.userId, { only: c.req.valid('param').id }, c.var.traceparent);
      if (ended.length === 0) throw new Problem('not_found', 'No such session.');
      return c.body(null, 204);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/logout',
      tags,
      summary: 'End this session',
      description:
        'With `X-Refresh-Cookie: 1` it is the session of the cookie, which goes too, whether the access token still counts or not.',
      ...declareAccess('user'),
      middleware: [
        byCookie(env.CORS_ORIGINS, async (c, token) => {
          const owner = await findOwner(db, hashOf(token));
          if (owner !== undefined) await end(owner.userId, { only: owner.sessionId }, c.var.traceparent);
          forgetRefreshCookie(c);
          return c.body(null, 204);
        }),
        guards.user.middleware,
      ] as const,
      request: { headers: refreshCookieHeader },
      responses: { ...over, ...problemResponses('unauthenticated', 'origin_not_allowed', 'invalid_fields') },
    }),
    async (c: Context<CallerEnv>) => {
      const { userId, sessionId } = c.var.caller;
      await end(userId, { only: sessionId }, c.var.traceparent);
      return c.body(null, 204);
    },
  );

  router.openapi(
    createRoute({
      method: 'post',
      path: '/auth/logout-all',
      tags,
      summary: 'End every session of yours, this one too',
      ...guards.user,
      responses: { 204: { description: 'They are over.' }, ...problemResponses('unauthenticated') },
    }),
    async (c) => {
      await end(c.var.caller.userId, 'all', c.var.traceparent);
      return c.body(null, 204);
    },
  );

  return router;
}
