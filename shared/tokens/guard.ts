import type { MiddlewareHandler } from 'hono';
import { createMiddleware } from 'hono/factory';
import { type Access, type Declaration, declareAccess } from '../http/access.ts';
import { type AppEnv, type CallerEnv, hasRole, type Role } from '../http/context.ts';
import { Problem } from '../http/problem.ts';
import type { TokenVerifier } from './verify.ts';

/** Spread one into `createRoute({...})`: it guards the route and says so in OpenAPI. */
export type Guard<Env extends AppEnv> = Declaration & { middleware: MiddlewareHandler<Env> };

export type Guards = {
  /** Anyone; `c.var.caller` is set when a token came, and a bad one is refused all the same. */
  anyone: Guard<AppEnv>;
  /** Any signed-in user. */
  user: Guard<CallerEnv>;
  moderator: Guard<CallerEnv>;
  admin: Guard<CallerEnv>;
  /** Another service, with a token of its own; users are refused. */
  service: Guard<ServiceEnv>;
};

/** The environment behind {@link Guards.service}. */
export type ServiceEnv = AppEnv & { Variables: { service: string } };

/** RFC 6750, 2.1: exactly one space and one token; two headers arrive joined by a comma and fail. */
const BEARER = /^bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i;

const ACCESS: Record<Role, Access> = { USER: 'user', MODERATOR: 'moderator', ADMIN: 'admin' };

/** Guards stand on routes, never on path prefixes: `//admin` and `/ADMIN` slip past a prefix. */
export function createGuards(verifier: TokenVerifier): Guards {
  const callerOf = (authorization: string | undefined) =>
    authorization === undefined ? undefined : verifier.verify(bearerOf(authorization));

  const atLeast = (role: Role): Guard<CallerEnv> => ({
    ...declareAccess(ACCESS[role]),
    middleware: createMiddleware<CallerEnv>(async (c, next) => {
      const caller = await callerOf(c.req.header('Authorization'));
      if (caller === undefined) throw new Problem('unauthenticated');
      if (!hasRole(caller.role, role)) {
        if (caller.withheld !== undefined && hasRole(caller.withheld, role)) {
          throw new Problem('mfa_enrollment_required', 'Set up a second factor, or sign in with it.');
        }
        throw new Problem('forbidden', `This takes the role ${role}.`);
      }
      c.set('caller', caller);
      await next();
    }),
  });

  return {
    anyone: {
      ...declareAccess('anyone'),
      middleware: createMiddleware<AppEnv>(async (c, next) => {
        c.set('caller', await callerOf(c.req.header('Authorization')));
        await next();
      }),
    },
    user: atLeast('USER'),
    moderator: atLeast('MODERATOR'),
    admin: atLeast('ADMIN'),
    service: {
      ...declareAccess('service'),
      middleware: createMiddleware<ServiceEnv>(async (c, next) => {
        c.set('service', await verifier.verifyService(bearerOf(c.req.header('Authorization'))));
        await next();
      }),
    },
  };
}

/** The token of an `Authorization` header. @throws {Problem} `unauthenticated` */
function bearerOf(authorization = ''): string {
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) throw new Problem('unauthenticated', 'Send `Authorization: Bearer <token>`.');
  return token;
}
