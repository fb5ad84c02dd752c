import { z } from '@hono/zod-openapi';
import type { AppEnv } from '@tertulia/shared/http/context';
import { Problem } from '@tertulia/shared/http/problem';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import type { Tokens } from './sessions.service.ts';

/** Longer than any session: the server knows when one ends, and browsers keep no cookie longer. */
const MAX_AGE_SECONDS = 400 * 86_400;

/** For OpenAPI, of every route that hands out refresh tokens or takes them. */
export const refreshCookieHeader = z.object({
  'X-Refresh-Cookie': z.string().optional().openapi({
    example: '1',
    description:
      '`1`: the refresh token travels as the cookie `__Host-refresh`, never in a body. Only for pages of an allowed `Origin`.',
  }),
});

const wantsCookie = (c: Context<AppEnv>) => c.req.header('X-Refresh-Cookie') === '1';

/** The refresh token that the browser sent; the empty string when there is none. */
export const refreshCookieOf = (c: Context<AppEnv>) => getCookie(c, 'refresh', 'host') ?? '';

/**
 * Refuses pages of other origins that speak of the cookie, whatever the rest of their request is like. For the
 * whole app, so that no spelling of a path slips past it.
 */
export function refuseForeignOrigins(origins: readonly string[]) {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.req.header('X-Refresh-Cookie') !== undefined) assertAllowed(c, origins);
    await next();
  });
}

/**
 * For routes that take a refresh token: with `X-Refresh-Cookie: 1` it is `answer`'s business, which finds the
 * token in the cookie; else the route goes on. A cookie that a foreign page makes a browser send is refused.
 */
export function byCookie(
  origins: readonly string[],
  answer: (c: Context<AppEnv>, token: string) => Promise<Response>,
) {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (refreshCookieOf(c) !== '') assertAllowed(c, origins);
    if (!wantsCookie(c)) return next();
    return answer(c, refreshCookieOf(c));
  });
}

function assertAllowed(c: Context<AppEnv>, origins: readonly string[]): void {
  const origin = c.req.header('Origin');
  if (origin === undefined || !origins.includes(origin)) throw new Problem('origin_not_allowed');
}

const attributes = { prefix: 'host', path: '/', secure: true, httpOnly: true, sameSite: 'Strict' } as const;

/** The tokens as the client wants them: all in the body, or the refresh token out of a script's reach. */
export function handOver(c: Context<AppEnv>, { accessToken, refreshToken, tokenType, expiresIn }: Tokens) {
  c.header('Cache-Control', 'no-store');
  if (!wantsCookie(c)) return { accessToken, refreshToken, tokenType, expiresIn };
  setCookie(c, 'refresh', refreshToken, { ...attributes, maxAge: MAX_AGE_SECONDS });
  return { accessToken, tokenType, expiresIn };
}

export function forgetRefreshCookie(c: Context<AppEnv>): void {
  deleteCookie(c, 'refresh', attributes);
}
