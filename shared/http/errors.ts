import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { isTimedOut, isUnavailable } from '../db/unavailable.ts';
import type { AppEnv } from './context.ts';
import { Problem, problemBody } from './problem.ts';
import type { Router } from './router.ts';

/** Turns whatever was thrown into `application/problem+json`; a 500 tells nothing of its cause. */
export const onError: ErrorHandler<AppEnv> = (error, c) => {
  const problem = toProblem(error);
  if (problem.code === 'internal') c.var.log.error({ err: error }, 'request failed');
  if (problem.code === 'unavailable') c.var.log.warn({ err: error }, 'dependency down');
  return answer(c, problem);
};

function toProblem(error: Error): Problem {
  if (error instanceof Problem) return error;
  if (isUnavailable(error) || isTimedOut(error)) {
    return new Problem('unavailable', undefined, { headers: { 'Retry-After': '2' }, cause: error });
  }
  if (error instanceof HTTPException) {
    if (error.status === 415) return new Problem('unsupported_media_type');
    if (error.status === 413) return new Problem('body_too_large');
    if (error.status === 400) {
      return new Problem(/json/i.test(error.message) ? 'malformed_json' : 'malformed_request');
    }
  }
  return new Problem('internal', undefined, { cause: error });
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** 405 with `Allow` where the path exists for another method, else 404. */
export function notFound(app: Router): NotFoundHandler<AppEnv> {
  return (c) => {
    const allowed = METHODS.filter((method) => {
      const asGet = method === 'HEAD' ? 'GET' : method;
      const [matches] = app.router.match(asGet, c.req.path);
      return matches.some(([[, route]]) => route.method !== 'ALL');
    });
    if (allowed.length === 0) return answer(c, new Problem('not_found'));
    return answer(
      c,
      new Problem('method_not_allowed', undefined, { headers: { Allow: allowed.join(', ') } }),
    );
  };
}

function answer(c: Context<AppEnv>, problem: Problem): Response {
  for (const [name, value] of Object.entries(problem.headers)) c.header(name, value);
  if (problem.status === 401) c.header('WWW-Authenticate', 'Bearer');
  c.header('Cache-Control', 'no-store');
  const body = JSON.stringify(problemBody(problem, c.req.path, c.var.requestId));
  return c.body(body, problem.status as ContentfulStatusCode, { 'Content-Type': 'application/problem+json' });
}
